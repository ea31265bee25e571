"""A loop's configuration as it is stored: reward and exploration settings, learning policy."""

import os
import time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from shared.errors import ApiError
from shared.loops import unreadable
from shared.settings import Settings
from shared.vw import policy

VERSION = 1  # of the stored form
DEFAULT_LOOP = "default"
LONGEST_ARGUMENTS = 1024


Aggregation = Literal["earliest", "average", "median", "sum", "min", "max"]
LearningMode = Literal["Online", "Apprentice", "LoggingOnly"]


class Policy(msgspec.Struct, frozen=True):
    """The contract's PolicyContract: VW arguments under a name."""

    name: Annotated[str, Meta(min_length=1, max_length=256)]
    arguments: Annotated[str, Meta(min_length=1, max_length=LONGEST_ARGUMENTS)]

    @property
    def parsed(self) -> policy.Policy:
        """The arguments, taken apart."""
        return policy.parse(self.arguments)


class Replaced(msgspec.Struct, frozen=True):
    """What the last change of policy replaced. exploration: explorationPercentage; at: when, ms since 1970."""

    policy: Policy
    exploration: float
    at: int


class LogMirror(msgspec.Struct, frozen=True):
    """Where the service copied logs to. They are the owner's already: kept and answered, without effect."""

    enabled: bool = False
    sas_uri: str | None = None


class AutoOptimization(msgspec.Struct, frozen=True):
    """When policies are compared and replaced by themselves. frequency: s. start: of the first comparison, ISO 8601.

    since: when it was switched on, s since 1970; None if an earlier version did that, which only kept the switch.
    """

    enabled: bool = False
    frequency: float = 28 * 86_400.0
    start: str | None = None
    since: float | None = None


class Holdback(msgspec.Struct, frozen=True):
    """A share (above 0, up to 1) of the decisions shows the baseline. salt: of the hash that says which; see `hold`.

    since: when this share was put, ms since 1970.
    """

    share: float
    salt: str
    since: int = 0


class LoopConfig(msgspec.Struct, frozen=True):
    """Everything a loop is told; stored as `config.json`. Durations are seconds, exploration is 0..1.

    retrain_days: modelRetrainDays as an owner has put it, None before that. replaced: None if the policy was never
    changed, or the last change was undone.
    """

    wait: float = 600.0
    export: float = 60.0
    default_reward: float = 0.0
    aggregation: Aggregation = "earliest"
    exploration: float = 0.2
    retention_days: int = 90
    policy: Policy = Policy("default", policy.DEFAULT_ARGUMENTS)
    edited: str = "0001-01-01T00:00:00Z"
    retrain_days: int | None = None
    explain: bool = False
    mode: LearningMode = "Online"
    log_mirror: LogMirror = LogMirror()
    auto_optimization: AutoOptimization = AutoOptimization()
    replaced: Replaced | None = None
    holdback: Holdback | None = None
    v: int = VERSION

    @property
    def arguments(self) -> str:
        """VW's arguments with this loop's exploration in effect."""
        return self.policy.parsed.exploring(self.exploration)

    @property
    def holdback_share(self) -> float:
        """0 without a holdback."""
        return self.holdback.share if self.holdback else 0.0

    def hold(self, share: float) -> Holdback | None:
        """The holdback of this share, 0 for none. Another share gets another salt: what is measured begins anew."""
        if share == self.holdback_share:
            return self.holdback
        return Holdback(share, os.urandom(8).hex(), round(time.time() * 1000)) if share else None

    def encoded(self) -> bytes:
        return msgspec.json.encode(self)

    def with_policy(self, changed: Policy) -> "LoopConfig":
        """This configuration with another policy, whose `--epsilon` becomes the exploration; raises ApiError."""
        if self.auto_optimization.enabled and changed.parsed.is_multi_slot:
            raise ApiError("ProblemTypeIncompatibleWithAutoOptimization")
        share = changed.parsed.epsilon
        exploration = self.exploration if share is None else share
        if (changed, exploration) == (self.policy, self.exploration):
            return self
        before = Replaced(self.policy, self.exploration, round(time.time() * 1000))
        return msgspec.structs.replace(self, policy=changed, exploration=exploration, replaced=before)


class _Earlier(msgspec.Struct):
    """What earlier versions stored: 2 whether it was put or not."""

    model_retrain_days: int | None = None


_stored, _earlier = msgspec.json.Decoder(LoopConfig), msgspec.json.Decoder(_Earlier)
_NOT_PUT = (None, 2)


def new_loop(settings: Settings) -> LoopConfig:
    """The configuration of a loop that nobody has configured."""
    return LoopConfig(policy=Policy(settings.default_policy, policy.NAMED[settings.default_policy]))


def decode_config(data: bytes) -> LoopConfig:
    """A stored configuration; raises msgspec.DecodeError if it is damaged, LaterVersion."""
    unreadable.check("the configuration", data, VERSION)
    config, days = _stored.decode(data), _earlier.decode(data).model_retrain_days
    return config if days in _NOT_PUT else msgspec.structs.replace(config, retrain_days=days)
