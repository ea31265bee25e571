"""A line of a decision about several slots as an evaluation reads it, whoever wrote it."""

import math

import msgspec

from shared.evaluation import logged
from shared.evaluation.event import LARGEST_WEIGHT
from shared.evaluation.logged import ROUNDING, Use
from shared.vw import dsjson


class Slot(msgspec.Struct, rename=dsjson.SLOT, gc=False):
    """`a`: 0-based numbers of the actions that were left, the chosen one first; `p`: their probabilities."""

    cost: float
    id: str = ""
    a: list[int] | int = []
    p: list[float] | float = []
    original_cost: float | None = None

    @property
    def reward(self) -> float:
        """What the slot earned, before the line of an apprentice was relabelled."""
        return 0.0 - (self.cost if self.original_cost is None else self.original_cost)

    @property
    def actions(self) -> list[int]:
        """`a` as a list; some writers have a single action as a number."""
        return self.a if isinstance(self.a, list) else [self.a]

    @property
    def probabilities(self) -> list[float]:
        """`p` as a list."""
        return self.p if isinstance(self.p, list) else [self.p]

    def pairs(self) -> "zip[tuple[int, float]]":
        """Actions with their probabilities."""
        return zip(self.actions, self.probabilities, strict=True)


class SlotsEvent(msgspec.Struct, rename=dsjson.LINE, gc=False):
    """A decision of several slots, in their order. baselines: the 0-based action that each shows by default."""

    slots: list[Slot]
    at: str = ""
    id: str = ""
    baselines: list[int] | None = None
    skip: bool = False
    deferred: bool = False
    mode: str | None = None
    drop: float | None = None

    @property
    def decisions(self) -> float:
        """How many decisions it stands for: the client dropped the others."""
        return 1 / (1 - self.drop) if self.drop else 1.0

    @property
    def has_baselines(self) -> bool:
        """False where the line does not say which action each slot shows by default."""
        return self.baselines is not None and len(self.baselines) >= len(self.slots)

    def certain(self) -> "SlotsEvent":
        """As a decision that showed for sure what it showed."""
        slots = [Slot(one.cost, one.id, 0, 1.0, one.original_cost) for one in self.slots]
        return SlotsEvent(slots, self.at, self.id, drop=self.drop)

    def name(self, place: int) -> str:
        """What a slot is called; by its place where it has no id."""
        return self.slots[place].id or f"slot {place + 1}"


UNREADABLE = SlotsEvent([])
_decode = msgspec.json.Decoder(SlotsEvent).decode


def read(line: bytes) -> tuple[SlotsEvent, Use]:
    """The event of a line, and what it may be used for."""
    if not dsjson.is_multi_slot(line):
        damaged = logged.read(line)[1] is Use.UNREADABLE
        return UNREADABLE, Use.UNREADABLE if damaged else Use.SINGLE
    try:
        event = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return UNREADABLE, Use.UNREADABLE
    return event, _use_of(event)


def _use_of(event: SlotsEvent) -> Use:
    slots = event.slots
    if (event.skip or event.deferred) and event.mode != "LoggingOnly":
        return Use.NOWHERE
    if not slots or not 0 <= (event.drop or 0.0) < 1 or not all(logged.is_sane(slot.reward) for slot in slots):
        return Use.UNREADABLE
    if event.skip or event.deferred or event.mode == "Apprentice":
        return Use.BASELINE
    if event.mode is None and any(map(_is_relabelled, slots)):
        return Use.BASELINE
    if not all(1 / LARGEST_WEIGHT < _chosen_probability(slot) <= 1 + ROUNDING for slot in slots):
        return Use.IMPROBABLE
    return Use.JUDGED if all(map(_is_complete, slots)) else Use.INCOMPLETE


def _is_relabelled(slot: Slot) -> bool:
    """True for a label that says whether the model agreed with the baseline, as rlclientlib's joiner wrote it."""
    return slot.original_cost is not None and slot.cost != slot.original_cost and slot.cost in (0.0, -1.0)


def _chosen_probability(slot: Slot) -> float:
    return next(iter(slot.probabilities), 0.0)


def _is_complete(slot: Slot) -> bool:
    actions, p = slot.actions, slot.probabilities
    fits = len(actions) == len(p) == len(set(actions)) > 0 and min(actions) >= 0 and min(p) >= 0
    return fits and abs(math.fsum(p) - 1) <= ROUNDING
