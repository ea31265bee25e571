"""A job: an evaluation or a measurement of features that was asked for, and how far it has come."""

from datetime import UTC, datetime
from typing import Literal

import msgspec

from shared.evaluation.features import Group
from shared.evaluation.plan import Plan
from shared.loops.config import LoopConfig, Policy
from shared.loops.evaluation_names import Kind

# A job about several slots is of format 2.
FORMAT, SEVERAL_SLOTS = 2, 2
_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_000  # ms since 1970
State = Literal["waiting", "running", "completed", "failed", "timeout"]
OPEN: tuple[State, ...] = ("waiting", "running")


class Asked(msgspec.Struct, frozen=True):
    """What was asked for. since, until: the period, ms since 1970; optimizes: a better policy is to be looked for.

    automatic: the loop's automatic optimisation asked for it. measures: what features are worth is to be told, too.
    """

    kind: Kind
    id: str
    name: str
    since: int
    until: int
    policies: list[Policy] = []
    optimizes: bool = False
    automatic: bool = False
    measures: bool = False


class Job(msgspec.Struct, frozen=True):
    """asked: as it came. created: when, ISO 8601. config: the loop's, when the job was taken up; through: the last cut
    of the log that it reads (ms). plan: None until then; groups: the features that it judges.

    failed: policies that cannot be judged, with the reason. seconds: what it has been worked on. reason: why it failed.
    applied: whether an automatic optimisation has put what it found, None if it has not decided, or none asked.
    """

    asked: Asked
    created: str
    state: State = "waiting"
    config: LoopConfig | None = None
    through: int = 0
    plan: Plan | None = None
    groups: list[Group] = []
    failed: dict[str, str] = {}
    seconds: float = 0.0
    reason: str | None = None
    applied: bool | None = None
    v: int = 1

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    def ended(self, state: State, reason: str | None = None) -> "Job":
        return msgspec.structs.replace(self, state=state, reason=reason)


def moment(at: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC; the nearest time that has a form, of the years 1 to 9999."""
    time = datetime.fromtimestamp(min(max(at, _FIRST), _LAST) / 1000, UTC)
    return time.isoformat(timespec="milliseconds" if at % 1000 else "seconds").replace("+00:00", "Z")


def milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)
