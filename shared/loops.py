"""A loop's configuration: reward and exploration settings, learning policy, and where its blobs are."""

from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from shared import policy, wire
from shared.durations import format_duration, parse_duration
from shared.errors import ApiError
from shared.settings import Settings

DEFAULT_LOOP = "default"
LONGEST_WAIT, LONGEST_EXPORT = timedelta(days=2), timedelta(days=365)
SHORTEST = timedelta(seconds=1)

Aggregation = Literal["earliest", "average", "median", "sum", "min", "max"]
Mode = Literal["Online", "Apprentice", "LoggingOnly"]


class ServiceConfiguration(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """The contract's ServiceConfiguration as it travels; durations are text."""

    reward_wait_time: str
    default_reward: Annotated[float, Meta(ge=-1, le=1)]
    reward_aggregation: str
    exploration_percentage: Annotated[float, Meta(ge=0, le=1)]
    model_export_frequency: str
    log_retention_days: Annotated[int, Meta(ge=-1, le=2**31 - 1)]
    log_mirror_enabled: bool | None = None
    log_mirror_sas_uri: str | None = None
    last_configuration_edit_date: str | None = None
    learning_mode: Literal["Online"] | None = None
    is_auto_optimization_enabled: bool | None = None
    auto_optimization_frequency: str | None = None
    auto_optimization_start_date: str | None = None


class Policy(msgspec.Struct, frozen=True):
    """The contract's PolicyContract: VW arguments under a name."""

    name: Annotated[str, Meta(min_length=1, max_length=256)] = "default"
    arguments: Annotated[str, Meta(min_length=1, max_length=1024)] = policy.DEFAULT_ARGUMENTS


class LoopConfig(msgspec.Struct, frozen=True):
    """Everything a loop is told; stored as `config.json`. Durations are seconds, exploration is 0..1."""

    wait: float = 600.0
    export: float = 60.0
    default_reward: float = 0.0
    aggregation: Aggregation = "earliest"
    exploration: float = 0.2
    retention_days: int = 90
    mode: Mode = "Online"
    explain: bool = False
    policy: Policy = Policy()
    edited: str = "0001-01-01T00:00:00Z"
    model_retrain_days: int = 2

    @property
    def arguments(self) -> str:
        """VW's arguments with this loop's exploration in effect."""
        return policy.with_exploration(self.policy.arguments, self.exploration)

    def encoded(self) -> bytes:
        return msgspec.json.encode(self)

    def to_wire(self) -> ServiceConfiguration:
        return ServiceConfiguration(
            reward_wait_time=format_duration(timedelta(seconds=self.wait)),
            default_reward=self.default_reward,
            reward_aggregation=self.aggregation,
            exploration_percentage=self.exploration,
            model_export_frequency=format_duration(timedelta(seconds=self.export)),
            log_retention_days=self.retention_days,
            log_mirror_enabled=False,
            last_configuration_edit_date=self.edited,
            learning_mode="Online",
        )

    def updated(self, body: bytes, edited: str) -> "LoopConfig":
        """This configuration with the contract's ServiceConfiguration put in; raises ApiError."""
        given = wire.decode(_configuration, body, "InvalidServiceConfiguration")
        wait = _duration(given.reward_wait_time, "rewardWaitTime", "InvalidRewardWaitTime", LONGEST_WAIT)
        export = _duration(
            given.model_export_frequency, "modelExportFrequency", "InvalidServiceConfiguration", LONGEST_EXPORT
        )
        days = given.log_retention_days
        if days != -1 and days < wait / timedelta(days=1) + 1:
            raise ApiError("InvalidLogRetentionDays", "logRetentionDays must be -1 or at least rewardWaitTime + 1 day.")
        return msgspec.structs.replace(
            self,
            wait=wait.total_seconds(),
            export=export.total_seconds(),
            default_reward=given.default_reward,
            aggregation=_aggregation(given.reward_aggregation),
            exploration=given.exploration_percentage,
            retention_days=days,
            edited=edited,
        )


_configuration = msgspec.json.Decoder(ServiceConfiguration)
_stored = msgspec.json.Decoder(LoopConfig)


def new_loop(settings: Settings) -> LoopConfig:
    """The configuration of a loop that nobody has configured."""
    return LoopConfig(policy=Policy(settings.default_policy, policy.NAMED[settings.default_policy]))


def decode_config(data: bytes) -> LoopConfig:
    """A stored configuration; raises msgspec.DecodeError if it is damaged."""
    return _stored.decode(data)


def blob_name(loop: str, *parts: str) -> str:
    """The name of one of a loop's blobs, for instance `loops/default/checkpoint.json`."""
    return "/".join(("loops", loop, *parts))


def _duration(text: str, member: str, code: str, longest: timedelta) -> timedelta:
    try:
        value = parse_duration(text)
    except ValueError as error:
        raise ApiError(code, f"{member}: {error}.", target=member) from None
    if not SHORTEST <= value <= longest:
        limits = f"at least {format_duration(SHORTEST)} and at most {format_duration(longest)}"
        raise ApiError(code, f"{member} must be {limits}.", target=member)
    return value


def _aggregation(text: str) -> Aggregation:
    try:
        aggregation: Aggregation = msgspec.convert(text.lower(), Aggregation)
        return aggregation
    except msgspec.ValidationError:
        raise ApiError(
            "InvalidServiceConfiguration",
            "rewardAggregation must be one of earliest, average, median, sum, min, max.",
            target="rewardAggregation",
        ) from None
