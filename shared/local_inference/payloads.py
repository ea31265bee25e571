"""The payloads of the events of local inference: a decision, one about several slots, an outcome.

The numbers of fields, enumerations and unions are those of rlclientlib/schema/v2/*.fbs.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from shared.local_inference.flatbuffer import Malformed, Table

_MODES = ("Online", "Apprentice", "LoggingOnly")


class Decision(NamedTuple):
    """CbEvent. actions: 1-based, the chosen one first; probabilities: in the same order."""

    deferred: bool
    actions: list[int]
    context: memoryview
    probabilities: list[float]
    model: str
    mode: str


class Slot(NamedTuple):
    """SlotEvent. actions: 0-based, the chosen one first; probabilities: in the same order."""

    id: str
    actions: list[int]
    probabilities: list[float]


class SlotsDecision(NamedTuple):
    """MultiSlotEvent. baselines: 0-based, by slot; may be empty."""

    deferred: bool
    slots: list[Slot]
    context: memoryview
    baselines: list[int]
    model: str
    mode: str


class Outcome(NamedTuple):
    """OutcomeEvent. value: the reward, None without one. place: of a slot, as its number from 0 or its id."""

    value: float | None
    place: int | str | None
    taken: bool


Payload = Decision | SlotsDecision | Outcome


class Unsupported(ValueError):
    """It is readable, and not taken."""


def _decision(event: Table) -> Decision:
    return Decision(
        deferred=bool(event.integer(0, "B")),
        actions=event.integers(1, "Q"),
        context=event.octets(2),
        probabilities=event.numbers(3),
        model=event.text(4) or "",
        mode=_mode(event),
    )


def _slots_decision(event: Table) -> SlotsDecision:
    return SlotsDecision(
        deferred=bool(event.integer(3, "B")),
        slots=[Slot(slot.text(2) or "", slot.integers(0, "I"), slot.numbers(1)) for slot in event.tables(1)],
        context=event.octets(0),
        baselines=event.integers(4, "i"),
        model=event.text(2) or "",
        mode=_mode(event),
    )


def _mode(event: Table) -> str:
    number = event.integer(5, "B")
    if number >= len(_MODES):
        raise Malformed(f"there is no learning mode {number}")
    return _MODES[number]


def _outcome(event: Table) -> Outcome:
    value, index = _either(event, 0), _either(event, 2)
    if isinstance(value, str):
        raise Unsupported("an outcome that is a text is not taken; send a number from -1 to 1")
    reward = None if value is None else value.number(0)
    if reward is not None and not math.isfinite(reward):
        raise Malformed("the outcome is not a number")
    place = index.integer(0, "i") if isinstance(index, Table) else index
    return Outcome(reward, place, bool(event.integer(4, "B")))


def _either(event: Table, field: int) -> Table | str | None:
    """A union of a table and a text: the field of its type comes first, then its own."""
    kind = event.integer(field, "B")
    if kind > 2:
        raise Malformed(f"there is no member {kind} of a union")
    found = (None, event.table, event.text)[kind]
    chosen = found(field + 1) if found else None
    if kind and chosen is None:
        raise Malformed("a union has a type and no value")
    return chosen


READERS: dict[str, Callable[[Table], Payload]] = {"CB": _decision, "CCB": _slots_decision, "Outcome": _outcome}
