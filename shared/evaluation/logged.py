"""A line of the log as an evaluation reads it, whoever wrote it."""

from enum import Enum

import msgspec

from shared.evaluation.event import LARGEST_WEIGHT
from shared.vw import dsjson
from shared.vw.safe_features import MAX_MAGNITUDE

# Probabilities were written with seven digits.
ROUNDING = 1e-3


class Use(Enum):
    """What an event may be used for.

    JUDGED: for all policies. BASELINE: the baseline was shown for sure, which serves its estimate alone. NOWHERE: never
    activated. The others are skipped and counted; the value says why, for a reader.
    """

    JUDGED = "judged"
    BASELINE = "of Apprentice or LoggingOnly: they count for Baseline1 alone"
    NOWHERE = "never activated: they count nowhere"
    SLOTS = "of several slots"
    SINGLE = "of one slot, unlike the policies"
    IMPROBABLE = "without a usable probability of the chosen action"
    INCOMPLETE = "without the probabilities of all actions"
    UNREADABLE = "unreadable"


class Logged(msgspec.Struct, rename=dsjson.LINE, gc=False):
    """A decision of one slot. `a`: 1-based numbers of the actions, the chosen one first; `p`: their probabilities."""

    cost: float
    action: int = 0
    index: int = -1
    at: str = ""
    id: str = ""
    a: list[int] = []
    p: list[float] = []
    probability: float | None = None
    original_cost: float | None = None
    skip: bool = False
    deferred: bool = False
    mode: str | None = None
    drop: float | None = None

    @property
    def reward(self) -> float:
        """What the decision earned, before the line of an apprentice was relabelled."""
        return 0.0 - (self.cost if self.original_cost is None else self.original_cost)

    @property
    def chosen(self) -> int:
        """The 1-based number of the action that was shown."""
        return self.action or self.index + 1

    @property
    def first(self) -> int:
        """The 1-based number of the baseline: the first action that was not excluded."""
        return min(self.a)

    @property
    def decisions(self) -> float:
        """How many decisions it stands for: the client dropped the others."""
        return 1 / (1 - self.drop) if self.drop else 1.0


_decode = msgspec.json.Decoder(Logged).decode
UNREADABLE = Logged(0.0)


def read(line: bytes) -> tuple[Logged, Use]:
    """The event of a line, and what it may be used for."""
    if dsjson.is_multi_slot(line):
        return UNREADABLE, Use.SLOTS
    try:
        event = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return UNREADABLE, Use.UNREADABLE
    return event, use_of(event)


def is_sane(reward: float) -> bool:
    """False for a reward that no policy can learn: its squares, weighted, are beyond what sums can hold."""
    return -MAX_MAGNITUDE <= reward <= MAX_MAGNITUDE


def use_of(event: Logged) -> Use:
    """What an event may be used for."""
    is_skipped = event.skip or event.deferred
    if is_skipped and event.mode != "LoggingOnly":
        return Use.NOWHERE
    if not is_sane(event.reward) or not 0 <= (event.drop or 0.0) < 1:
        return Use.UNREADABLE
    if is_skipped:
        return Use.BASELINE
    mode, original = event.mode, event.original_cost
    if mode == "Apprentice" or (
        mode is None and original is not None and dsjson.is_of_apprentice(event.cost, original, event.chosen)
    ):
        return Use.BASELINE
    p = event.p
    probability = event.probability if event.probability is not None else next(iter(p), 0.0)
    if not 1 / LARGEST_WEIGHT < probability <= 1 + ROUNDING:
        return Use.IMPROBABLE
    actions = event.a
    if not actions or len(actions) != len(p) or actions[0] != event.chosen or not _are_all(actions) or min(p) < 0:
        return Use.INCOMPLETE
    return Use.JUDGED if abs(sum(p) - 1) <= ROUNDING and abs(p[0] - probability) <= ROUNDING else Use.INCOMPLETE


def _are_all(actions: list[int]) -> bool:
    """True for the numbers 1 to n in any order."""
    return min(actions) == 1 and max(actions) == len(actions) == len(set(actions))
