"""Summaries made from the lines that the log has: the same, bit for bit, as the runs that have logged them stored."""

from datetime import UTC, datetime

import msgspec

from shared.hubs import events
from shared.hubs.events import VERSION, Assignment, Interaction, Slot
from shared.joined_log import unjoined_lines
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


_NO_CONTEXT, _NO_KEY = msgspec.Raw(b"{}"), events.key_of("")
_named, _nameless = msgspec.json.Decoder(_Named).decode, msgspec.json.Decoder(_Nameless).decode


class Read(msgspec.Struct, gc=False):
    """A line of the log, end included, and what it says. key: of its event's id, None without one.

    known, names: of a joined line that can be read; no names in a context that is not laid out as we know it. reason:
    of one of the log of late events.
    """

    line: bytes
    key: int | None
    known: _Line | None = None
    names: Names = msgspec.field(default_factory=Names)
    reason: str | None = None


def read(line: bytes) -> Read:
    """A line of the joined log."""
    try:
        known = _named(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_nameless(line)
    return Read(line, _key(known.id), known, known.c)


def _read_nameless(line: bytes) -> Read:
    try:
        known = _nameless(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Read(line, _key(dsjson.id_of(line)))
    return Read(line, _key(known.id), known)


def read_late(line: bytes) -> Read:
    """A line of the log of late events."""
    try:
        kept = unjoined_lines.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Read(line, None)
    return Read(line, _key(unjoined_lines.id_in(kept.event)), reason=kept.reason)


def _key(event_id: str | None) -> int | None:
    return events.key_of(event_id) if event_id else None


def join(summarising: Summarising, read: Read) -> bool:
    """Adds a line of the joined log; False if it is none of the kinds that we know."""
    known = read.known
    if known is None or not (known.a or known.slots):
        return False
    at = known.at if known.at.tzinfo else known.at.replace(tzinfo=UTC)
    outcomes, others = (known.o, 0) if known.slots is None else (_of_slots(known.slots), len(known.o))
    rewards = [one for one in outcomes if not one.taken and one.v is not None]
    skipped = known.deferred or (known.skip and known.mode != "LoggingOnly")
    key = _NO_KEY if read.key is None else read.key
    summarising.add(
        round(at.timestamp() * 1000), _event(known), read.line, _earned(known), bool(rewards), skipped,
        len(outcomes) + others, key, read.names.actions,
    )  # fmt: skip
    return True


def leave(summarising: Summarising, cut: int, read: Read) -> bool:
    """Adds a line of the log of late events of a run, by its cut; False if it cannot be read."""
    if read.reason is None:
        return False
    summarising.leave(cut, read.reason)
    return True


def _event(line: _Line) -> Interaction:
    slots = None if line.slots is None else [Slot(slot.id, slot.a, slot.p) for slot in line.slots]
    return Interaction(
        VERSION, "", "", "", _mode(line), False, line.state.m, line.a, line.p, _NO_CONTEXT, slots, line.baselines,
        line.drop, line.holdback,
    )  # fmt: skip


def _of_slots(slots: list[_Slot]) -> list[_Outcome]:
    return [one for slot in slots for one in slot.o]


def _mode(line: _Line) -> str:
    """The mode of a decision. Lines of others may not say that they are an apprentice's."""
    if line.mode is None and line.slots is None and line.original_cost is not None:
        return "Apprentice" if dsjson.is_of_apprentice(line.cost, line.original_cost, line.a[0]) else "Online"
    return line.mode or "Online"


def _earned(line: _Line) -> list[float]:
    """The reward of each slot, before an apprentice's line was relabelled."""
    if line.slots is None:
        return [0.0 - (line.cost if line.original_cost is None else line.original_cost)]
    return [0.0 - (one.cost if one.original_cost is None else one.original_cost) for one in line.slots]
