"""A loop's configuration: reward and exploration settings, learning policy."""

from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.admin.configuration_body import (
    DAY,
    LONGEST_EXPORT,
    LONGEST_WAIT,
    Aggregation,
    AutoOptimization,
    LearningMode,
    LogMirror,
    ServiceConfiguration,
    aggregation,
    container,
    date,
    decoder,
    duration,
    retrain_days,
)
from shared.bodies import decode
from shared.errors import ApiError
from shared.loops.durations import format_duration
from shared.settings import Settings
from shared.vw import policy

DEFAULT_LOOP = "default"
LONGEST_ARGUMENTS = 1024


class Policy(msgspec.Struct, frozen=True):
    """The contract's PolicyContract: VW arguments under a name."""

    name: Annotated[str, Meta(min_length=1, max_length=256)]
    arguments: Annotated[str, Meta(min_length=1, max_length=LONGEST_ARGUMENTS)]


class LoopConfig(msgspec.Struct, frozen=True):
    """Everything a loop is told; stored as `config.json`. Durations are seconds, exploration is 0..1."""

    wait: float = 600.0
    export: float = 60.0
    default_reward: float = 0.0
    aggregation: Aggregation = "earliest"
    exploration: float = 0.2
    retention_days: int = 90
    policy: Policy = Policy("default", policy.DEFAULT_ARGUMENTS)
    edited: str = "0001-01-01T00:00:00Z"
    model_retrain_days: int = 2
    explain: bool = False
    mode: LearningMode = "Online"
    log_mirror: LogMirror = LogMirror()
    auto_optimization: AutoOptimization = AutoOptimization()

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
            log_mirror_enabled=self.log_mirror.enabled,
            log_mirror_sas_uri=self.log_mirror.sas_uri,
            last_configuration_edit_date=self.edited,
            learning_mode=self.mode,
            is_auto_optimization_enabled=self.auto_optimization.enabled,
            auto_optimization_frequency=format_duration(timedelta(seconds=self.auto_optimization.frequency)),
            auto_optimization_start_date=self.auto_optimization.start,
            model_retrain_days=self.model_retrain_days,
            is_inference_explainability_enabled=self.explain,
        )

    def updated(self, body: bytes, edited: str, longest_wait: timedelta = LONGEST_WAIT) -> "LoopConfig":
        """This configuration with the contract's ServiceConfiguration put in; raises ApiError.

        An optional member that is absent or null keeps what is stored: clients of v1.0 know of few of them. An empty
        logMirrorSasUri ends it.
        """
        given = decode(decoder, body, "InvalidServiceConfiguration")
        wait = duration(given.reward_wait_time, "rewardWaitTime", "InvalidRewardWaitTime", longest_wait)
        export = duration(
            given.model_export_frequency, "modelExportFrequency", "InvalidServiceConfiguration", LONGEST_EXPORT
        )
        days = given.log_retention_days
        if days != -1 and days < wait / DAY + 1:
            raise ApiError("InvalidLogRetentionDays", "logRetentionDays must be -1 or at least rewardWaitTime + 1 day.")
        changed = msgspec.structs.replace(
            self,
            wait=wait.total_seconds(),
            export=export.total_seconds(),
            default_reward=given.default_reward,
            aggregation=aggregation(given.reward_aggregation),
            exploration=given.exploration_percentage,
            retention_days=days,
            edited=edited,
            model_retrain_days=retrain_days(given.model_retrain_days, self.model_retrain_days, days),
            explain=_or(given.is_inference_explainability_enabled, self.explain),
            mode=given.learning_mode or self.mode,
            log_mirror=LogMirror(
                _or(given.log_mirror_enabled, self.log_mirror.enabled),
                self.log_mirror.sas_uri if given.log_mirror_sas_uri is None else container(given.log_mirror_sas_uri),
            ),
            auto_optimization=self._auto_optimization(given),
        )
        if changed.mode != self.mode and changed._rewards != self._rewards:
            raise ApiError("InvalidLearningModeServiceConfiguration", target="learningMode")
        return changed

    def with_policy(self, changed: Policy) -> "LoopConfig":
        """This configuration with another policy, whose `--epsilon` becomes the exploration; raises ApiError."""
        if self.auto_optimization.enabled and policy.is_multi_slot(changed.arguments):
            raise ApiError("ProblemTypeIncompatibleWithAutoOptimization")
        share = policy.epsilon(changed.arguments)
        return msgspec.structs.replace(self, policy=changed, exploration=self.exploration if share is None else share)

    @property
    def _rewards(self) -> tuple[float, float, str]:
        return self.wait, self.default_reward, self.aggregation

    def _auto_optimization(self, given: ServiceConfiguration) -> AutoOptimization:
        stored, every = self.auto_optimization, given.auto_optimization_frequency
        enabled = _or(given.is_auto_optimization_enabled, stored.enabled)
        if enabled and policy.is_multi_slot(self.policy.arguments):
            raise ApiError("ProblemTypeIncompatibleWithAutoOptimization", target="isAutoOptimizationEnabled")
        frequency = stored.frequency
        if every is not None:
            limits = LONGEST_EXPORT, DAY
            frequency = duration(
                every, "autoOptimizationFrequency", "InvalidServiceConfiguration", *limits
            ).total_seconds()
        return AutoOptimization(enabled, frequency, date(given.auto_optimization_start_date) or stored.start)


_stored = msgspec.json.Decoder(LoopConfig)


def new_loop(settings: Settings) -> LoopConfig:
    """The configuration of a loop that nobody has configured."""
    return LoopConfig(policy=Policy(settings.default_policy, policy.NAMED[settings.default_policy]))


def decode_config(data: bytes) -> LoopConfig:
    """A stored configuration; raises msgspec.DecodeError if it is damaged."""
    return _stored.decode(data)


def _or(given: bool | None, stored: bool) -> bool:
    return stored if given is None else given
