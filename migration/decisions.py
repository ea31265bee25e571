"""Lines of old logs as lines of ours: checked, completed where something can be completed, else refused with a reason.

VW's own reader forgives too much (a decision without `_labelIndex` ends training, one of another problem type spoils
those after it), so a line that it could not learn never gets into a log.
"""

import hashlib
import math
import re
from collections import Counter
from datetime import MAXYEAR, UTC, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from migration import safety
from shared import charsets
from shared.vw import dsjson
from shared.vw.context_limits import LEAST_PROBABILITY, BadContext, check_cost
from shared.vw.dsjson import LINE
from shared.vw.policy import HISTORIC_ARGUMENTS
from shared.vw.safe_features import MAX_MAGNITUDE

# Probabilities were written with seven digits.
ROUNDING = 1e-5


class Unusable(Exception):
    """The line is no decision that can be learned; the text is the reason, the same for all of its kind."""


class Decision(NamedTuple):
    """A line of the joined log without its end. `at`: ms since 1970; `notes`: what a reader of the report may miss."""

    id: str
    at: int
    line: bytes
    learned: bool
    notes: list[str]


class _Features(msgspec.Struct, gc=False):
    i: Raw = Raw()
    j: Raw = Raw()


class _Context(msgspec.Struct, rename=dsjson.CONTEXT, gc=False):
    shared: Raw = Raw()
    actions: list[_Features] = []
    slots: list[_Features] | None = None


class _Slot(msgspec.Struct, rename=dsjson.SLOT, gc=False):
    cost: float
    a: list[int] | int
    p: list[float] | float


class _Line(msgspec.Struct, rename=LINE, gc=False):
    c: Raw = Raw()
    cost: float | None = None
    probability: float | None = None
    action: int | None = None
    index: int | None = None
    skip: bool = False
    deferred: bool = False
    drop: float | None = 0
    id: str | None = ""
    at: datetime | None = None
    a: list[int] | None = []
    p: list[float] | None = []
    slots: list[_Slot] | None = None


_decode = msgspec.json.Decoder(_Line).decode
_context = msgspec.json.Decoder(_Context).decode
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.encode

OTHER_LAYOUT = "features laid out in another way than Rank does"
MISALIGNED = f"p[0] is not {LINE['probability']}, which is what is learned"
COMPLETED = "completed: {}"
REORDERED = "the label put before the context: VW does not see it behind"
LARGE = "reward beyond -1..1"
NOT_UTF8 = "not in UTF-8; convert the file first, for instance with iconv -f ISO-8859-1 -t UTF-8"
MENDED = "halves of characters, as of a text cut inside an emoji, replaced by U+FFFD"
# Lines between the decisions, by which the service's joiner marked what it had done.
_MARKER = re.compile(rb"\[[A-Za-z][A-Za-z _-]{0,60}\]")
_LABEL = tuple(LINE[member] for member in ("cost", "probability", "action", "index"))
_LABEL_BYTES = [f'"{name}"'.encode() for name in _LABEL]


def read(
    line: bytes, multi_slot: bool, fallback: datetime | None = None, anonymous: Counter[str] | None = None
) -> Decision:
    """The decision of a line; raises Unusable. `fallback`: the time of a line that has none.

    anonymous: how often each line without an EventId has come, by its digest. Equal ones are different events: they
    are numbered, so that the same files give the same ids.
    """
    mended = charsets.mended(line)
    decision = _read(mended, multi_slot, fallback, Counter() if anonymous is None else anonymous)
    if mended is not line:
        decision.notes.append(MENDED)
    return decision


def _read(line: bytes, multi_slot: bool, fallback: datetime | None, anonymous: Counter[str]) -> Decision:
    given, context = _decoded(line)
    if context is None:
        raise Unusable(_without_context(line))
    if not context.actions:
        raise Unusable("no actions (c._multi)")
    time = given.at or fallback
    if time is None:
        raise Unusable("no Timestamp; say when it was with --at")
    if (context.slots is not None or given.slots is not None) != multi_slot:
        raise Unusable("multi-slot, the loop's policy is not" if not multi_slot else "single-slot, the policy is not")
    moment = _in_utc(time)
    at = round(moment.timestamp() * 1000)
    notes: list[str] = []
    changes = _multi_slot(given, context) if multi_slot else _single_slot(given, len(context.actions), notes)
    if given.deferred and not given.skip:
        changes[LINE["skip"]] = True
    if not given.id:
        changes[LINE["id"]] = given.id = _made_id(line, anonymous)
    if given.at is None:
        changes[LINE["at"]] = time
    notes += [COMPLETED.format(name) for name in changes]
    if given.at is not None and given.at.utcoffset():
        changes[LINE["at"]] = moment
    logged = bytes(given.c)
    ordered = multi_slot or _is_label_first(line) or not changes.keys().isdisjoint(_LABEL)
    if not ordered:
        notes.append(REORDERED)
    try:
        safe = safety.made_safe(logged, multi_slot=multi_slot)
        check_cost(safe, len(context.actions), len(context.slots or ()), HISTORIC_ARGUMENTS)
    except BadContext as error:
        raise Unusable(str(error)) from None
    except msgspec.ValidationError as error:
        raise Unusable(f"a feature that VW cannot read: {error}") from None
    if safe != logged:
        changes["c"] = Raw(safe)
        notes.append("names, numbers or commands among the features made safe, as Rank does")
    if not _is_ours(context):
        notes.append(OTHER_LAYOUT)
    empty = [name for name, value in (("p", given.p), (LINE["drop"], given.drop)) if value is None]
    found = dsjson.is_multi_slot(line) == multi_slot  # else escapes hide the member from whoever reads the log
    kept = line if ordered and found and not changes and not empty else _changed(line, changes, empty)
    return Decision(given.id, at, kept, not (given.skip or given.deferred), notes)


def _in_utc(time: datetime) -> datetime:
    """Raises Unusable for what is no time in UTC, as the first hours of the year 1 in the east."""
    if time.year == MAXYEAR:
        raise Unusable("its Timestamp is in the future")
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError:
        raise Unusable("its Timestamp is no time") from None


def _made_id(line: bytes, anonymous: Counter[str]) -> str:
    digest = hashlib.sha256(line).hexdigest()[:24]
    anonymous[digest] += 1
    number = anonymous[digest]
    return f"imported-{digest}" + (f"-{number}" if number > 1 else "")


def _decoded(line: bytes) -> tuple[_Line, _Context | None]:
    if line.startswith(b"["):
        raise Unusable(_bracketed(line))
    try:
        if not line.isascii():
            line.decode()
        given = _decode(line)
        return given, _context(given.c) if given.c else None
    except msgspec.ValidationError as error:
        raise Unusable(f"a member is not of its type: {error}") from None
    except UnicodeDecodeError:
        raise Unusable(NOT_UTF8) from None
    except msgspec.DecodeError:
        raise Unusable("not JSON") from None
    except RecursionError:
        raise Unusable("nested too deeply") from None


def _bracketed(line: bytes) -> str:
    marker = _MARKER.match(line)
    return f"a marker of the service: {marker[0].decode()}" if marker else "a list, not a decision"


def _single_slot(given: _Line, count: int, notes: list[str]) -> dict[str, Any]:
    """What to change about the line of a decision among `count` actions."""
    action = given.action if given.action is not None or given.index is None else given.index + 1
    if action is None or given.cost is None or given.probability is None:
        raise Unusable("no label (_label_Action, _label_cost, _label_probability)")
    if not 1 <= action <= count:
        raise Unusable("the chosen action is not among the actions")
    if given.index is not None and given.index != action - 1:
        raise Unusable("_label_Action and _labelIndex name different actions")
    _check(given.cost, given.probability)
    if not 0 <= (given.drop or 0) < 1:
        raise Unusable("pdrop is not in [0, 1)")
    changes: dict[str, Any] = {}
    if given.action is None:
        changes[LINE["action"]] = action
    if given.index is None:
        changes[LINE["index"]] = action - 1
    if not given.a or len(given.a) != count or given.a[0] != action:
        changes["a"] = [action, *(other for other in range(1, count + 1) if other != action)]
    if given.p and abs(given.p[0] - given.probability) > ROUNDING:
        notes.append(MISALIGNED)
    if abs(given.cost) > 1:
        notes.append(LARGE)
    return changes


def _multi_slot(given: _Line, context: _Context) -> dict[str, Any]:
    labelled, slots = given.slots, context.slots
    if not labelled or not slots or len(labelled) != len(slots):
        raise Unusable("not one outcome per slot (_outcomes)")
    taken: set[int] = set()
    for one in labelled:
        actions = [one.a] if isinstance(one.a, int) else one.a
        probabilities = [one.p] if isinstance(one.p, float) else one.p
        if not actions or len(actions) != len(probabilities):
            raise Unusable("a slot's actions and probabilities differ in number")
        if not all(0 <= action < len(context.actions) for action in actions) or actions[0] in taken:
            raise Unusable("the chosen action of a slot is not among the actions, or taken")
        taken.add(actions[0])
        _check(one.cost, probabilities[0])
    return {}


def _check(cost: float, probability: float) -> None:
    if not LEAST_PROBABILITY <= probability <= 1 + ROUNDING:
        raise Unusable(f"the probability is not in [{LEAST_PROBABILITY}, 1]")
    if not math.isfinite(cost) or abs(cost) > MAX_MAGNITUDE:
        raise Unusable("the cost is beyond what VW can learn")


def _without_context(line: bytes) -> str:
    names = _members(line).keys()
    if names & {"RewardValue", "Observations", "v"}:
        return "an observation whose decision is not in the log"
    if "reward_function_type" in names or any("checkpoint" in name.lower() for name in names):
        return "information for the joiner (checkpoint info)"
    return "no decision: it has no context (c)"


def _is_ours(context: _Context) -> bool:
    first = context.actions[0]
    return bool(context.shared and first.i and first.j)


def _is_label_first(line: bytes) -> bool:
    end = line.find(b'"c":')
    return end > 0 and all(line.find(name, 0, end) > 0 for name in _LABEL_BYTES)


def _changed(line: bytes, changes: dict[str, Any], without: list[str]) -> bytes:
    members = {name: value for name, value in _members(line).items() if name not in without} | changes
    return _encode({name: members[name] for name in _LABEL if name in members} | members)
