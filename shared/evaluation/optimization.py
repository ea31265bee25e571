"""Automatic optimisation of a loop as it is stored: when it is due, its last runs, and the policy that is watched."""

import logging
import math
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import msgspec

from shared import telemetry
from shared.joined_log import outlook
from shared.loops import stored, unreadable
from shared.loops.blob_names import Home, blob_name, loop_of
from shared.loops.config import AutoOptimization, LearningMode, LoopConfig, Policy
from shared.loops.model_records import RewardSettings
from shared.loops.stored import Damaged
from shared.storage import Storage

FORMAT = 1
MOST_RUNS = 24

_log = logging.getLogger(__name__)

State = Literal["Running", "OptimalPolicyApplied", "OnlinePolicyRetained"]


class Means(msgspec.Struct, frozen=True):
    """Mean rewards by decision, on the events that did not choose the best policy."""

    online: float
    baseline: float
    best: float | None = None


class Undo(msgspec.Struct, frozen=True):
    """That a run was undone by itself. at: when, ms since 1970."""

    at: int
    reason: str


class Run(msgspec.Struct, frozen=True):
    """One comparison of policies. id: of its evaluation. at: when it began; since, until: its events; ms since 1970.

    asked: the evaluation was made. reason: why the policy was retained. policy: the best one. means: None until then.
    """

    id: str
    at: int
    since: int
    until: int
    asked: bool = False
    state: State = "Running"
    reason: str = ""
    policy: str = ""
    means: Means | None = None
    undone: Undo | None = None


class Under(msgspec.Struct, frozen=True):
    """What decides about rewards beside the policy."""

    rewards: RewardSettings
    exploration: float
    mode: LearningMode

    @classmethod
    def of(cls, config: LoopConfig) -> "Under":
        """As it is configured."""
        return cls(outlook.settings_of(config), config.exploration, config.mode)


class Watch(msgspec.Struct, frozen=True):
    """A policy that a run has applied. id: of the run. at: when it was put, ms since 1970. epoch: `taken_over` of
    the checkpoint.

    fallen: why it is being taken back; empty while it is not. under: as it was then; None in what earlier versions
    have stored.
    """

    id: str
    policy: Policy
    at: int
    epoch: int
    fallen: str = ""
    under: Under | None = None


class Optimization(msgspec.Struct, frozen=True):
    """seen: when a switch was first seen that an earlier version has stored, s since 1970. last: when a run was last
    due, s since 1970. runs: the newest last."""

    seen: float | None = None
    last: float = 0.0
    runs: list[Run] = []
    watch: Watch | None = None
    v: int = FORMAT

    @property
    def running(self) -> Run | None:
        """The run that is not decided yet."""
        return next((run for run in self.runs if run.state == "Running"), None)

    def with_run(self, run: Run) -> "Optimization":
        """With a new run, or a run of this id in place of the known one."""
        known = [run if one.id == run.id else one for one in self.runs]
        runs = known if run in known else [*known, run]
        return msgspec.structs.replace(self, runs=runs[-MOST_RUNS:])


class Found(NamedTuple):
    """What is stored, and its ETag; None if there is nothing."""

    value: Optimization
    etag: str | None


NOTHING = Found(Optimization(), None)

_decoder = msgspec.json.Decoder(Optimization)


async def read(storage: Storage, home: Home) -> Found:
    """Damage is reported, and it begins anew; raises LaterVersion."""
    try:
        found = await stored.read(storage, _name(home), _decode)
    except Damaged as damage:
        telemetry.error(_log, f"{damage}. Automatic optimisation begins anew.", loop_of(home))
        return Found(Optimization(), damage.etag)
    return Found(found.value or Optimization(), found.etag)


async def save(storage: Storage, home: Home, found: Found, changed: Optimization) -> Found:
    """Raises Conflict if somebody else has saved since it was read."""
    if changed == found.value and found.etag is not None:
        return found
    return Found(changed, await storage.replace(_name(home), msgspec.json.encode(changed), found.etag))


def next_due(auto: AutoOptimization, known: Optimization) -> float:
    """When the next run is due, s since 1970.

    Runs are due at the start that was asked for and each frequency later, but not at what was before the switch; a
    switch without a start counts from itself. One that an earlier version has stored counts from when it was seen.
    """
    begun = auto.since if auto.since is not None else known.seen
    if begun is None:
        return math.inf
    start = _time(auto.start) if auto.start is not None and auto.since is not None else begun
    first = start if start > begun else start + auto.frequency
    after = max(begun, known.last)
    periods = max(0, math.floor((after - first) / auto.frequency) + 1)
    return first + periods * auto.frequency


def _time(text: str) -> float:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _decode(data: bytes) -> Optimization:
    unreadable.check("the automatic optimisation", data, FORMAT)
    return _decoder.decode(data)


def _name(home: Home) -> str:
    return blob_name(home, "optimization.json")
