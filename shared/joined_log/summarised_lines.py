"""Summaries made from the lines that the log has: the same, bit for bit, as the runs that have logged them stored."""

from datetime import UTC, datetime

import msgspec

from shared.hubs import events
from shared.hubs.events import VERSION, Assignment, Interaction, Slot
from shared.joined_log import unjoined_lines
from shared.joined_log.joined_lines import Joined
from shared.joined_log.summarising import Names, Summarising
from shared.vw import dsjson


class _Outcome(msgspec.Struct, rename=dsjson.OBSERVED, gc=False):
    v: float | None = None
    taken: bool = False


class _Slot(msgspec.Struct, rename=dsjson.SLOT, gc=False):
    a: list[int]
    p: list[float]
    cost: float
    id: str = ""
    o: list[_Outcome] = []
    original_cost: float | None = None


class _State(msgspec.Struct, gc=False):
    m: str = ""


class _Line(msgspec.Struct, rename=dsjson.LINE, gc=False, kw_only=True):
    at: datetime
    id: str = ""
    cost: float = 0.0
    original_cost: float | None = None
    a: list[int] = []
    p: list[float] = []
    slots: list[_Slot] | None = None
    state: _State = msgspec.field(default_factory=_State)
    baselines: list[int] | None = None
    skip: bool = False
    deferred: bool = False
    mode: str | None = None
    drop: float | None = None
    o: list[_Outcome] = []
    holdback: Assignment | None = None


class _Named(_Line, rename=dsjson.LINE, gc=False, kw_only=True):
    c: Names


class _Nameless(_Line, rename=dsjson.LINE, gc=False, kw_only=True):
    c: msgspec.Raw


_NO_CONTEXT = msgspec.Raw(b"{}")
_named, _nameless = msgspec.json.Decoder(_Named).decode, msgspec.json.Decoder(_Nameless).decode


def join(summarising: Summarising, line: bytes) -> bool:
    """Adds a line of the joined log, end included; False if it is none of the kinds that we know."""
    found = _decode(line)
    if found is None:
        return False
    known, names = found
    if not known.a and not known.slots:
        return False
    at = known.at if known.at.tzinfo else known.at.replace(tzinfo=UTC)
    outcomes = [*known.o, *(one for slot in known.slots or [] for one in slot.o)]
    rewarded = any(not one.taken and one.v is not None for one in _rewards(known))
    skipped = known.deferred or (known.skip and known.mode != "LoggingOnly")
    joined = Joined(line, rewarded, skipped, rewards=_earned(known))
    key = events.key_of(known.id)
    summarising.join(round(at.timestamp() * 1000), _event(known), joined, len(outcomes), key, names)
    return True


def _decode(line: bytes) -> tuple[_Line, Names] | None:
    """A line and the names in its context: none in one that is not laid out as we know it."""
    try:
        known = _named(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            return _nameless(line), Names()
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
    return known, known.c


def leave(summarising: Summarising, cut: int, line: bytes) -> bool:
    """Adds a line of the log of late events of a run, by its cut; False if it cannot be read."""
    try:
        summarising.leave(cut, unjoined_lines.decode(line).reason)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _event(line: _Line) -> Interaction:
    slots = None if line.slots is None else [Slot(slot.id, slot.a, slot.p) for slot in line.slots]
    return Interaction(
        VERSION, "", "", "", _mode(line), False, line.state.m, line.a, line.p, _NO_CONTEXT, slots, line.baselines,
        line.drop, line.holdback,
    )  # fmt: skip


def _mode(line: _Line) -> str:
    """The mode of a decision. Lines of others may not say that they are an apprentice's."""
    if line.mode is None and line.slots is None and line.original_cost is not None:
        return "Apprentice" if dsjson.is_of_apprentice(line.cost, line.original_cost, line.a[0]) else "Online"
    return line.mode or "Online"


def _rewards(line: _Line) -> list[_Outcome]:
    return line.o if line.slots is None else [one for slot in line.slots for one in slot.o]


def _earned(line: _Line) -> list[float]:
    """The reward of each slot, before an apprentice's line was relabelled."""
    labelled = [line] if line.slots is None else line.slots
    return [0.0 - (one.cost if one.original_cost is None else one.original_cost) for one in labelled]
