"""Lines of dsjson, the format in which VW and every VW tool reads decisions that were joined with their rewards.

How members of a line are spelled is said here alone: views of a line that only one module needs are made with these
tables, for instance `class View(msgspec.Struct, rename=LINE)`. Members of the context `c` are also spelled in
`rank/features`, which writes it, and where contexts are cleaned or explained.
"""

import re
from datetime import datetime
from typing import Any

import msgspec

# Members of a line; those that are not listed are called as they are: a, c, o, p.
LINE = {
    "cost": "_label_cost",
    "probability": "_label_probability",
    "action": "_label_Action",
    "index": "_labelIndex",
    "at": "Timestamp",
    "version": "Version",
    "id": "EventId",
    "slots": "_outcomes",
    "state": "VWState",
    "original_cost": "_original_label_cost",
    "baselines": "_ba",
    "skip": "_skipLearn",
    "deferred": "_deferred",
    "mode": "LearningMode",
    "drop": "pdrop",
    "holdback": "_holdback",
}
# Members of one slot among the slots of a line.
SLOT = {"cost": "_label_cost", "id": "_id", "a": "_a", "p": "_p", "o": "_o", "original_cost": "_original_label_cost"}
# Members of one observation, a reward or an activation, in the `o` of a line or slot.
OBSERVED = {"id": "EventId", "taken": "ActionTaken", "slot": "SlotId"}
# Members of the context `c`, and of an action in it.
CONTEXT = {"shared": "FromUrl", "actions": "_multi", "slots": "_slots"}
ACTION = {"tag": "_tag"}

_SLOTS = b'"' + LINE["slots"].encode() + b'"'
# A text in the line may hold the name, but no colon behind it: quotes in texts are escaped.
_SLOTS_MEMBER = re.compile(re.escape(_SLOTS) + rb"\s*:\s*\[")
_SKIP = b'"' + LINE["skip"].encode() + b'"'
_SKIPPED = re.compile(re.escape(_SKIP) + rb"\s*:\s*true")


class Observed(msgspec.Struct, rename=OBSERVED, gc=False, omit_defaults=True, kw_only=True):
    """A reward or an activation as it is written. `v`: the reward; `slot`: the id of the slot it names; `at`: when."""

    v: float | None = None
    id: str
    taken: bool
    slot: str | None = None
    at: str = ""


class State(msgspec.Struct, gc=False):
    """The version of the model that decided."""

    m: str


class Line(msgspec.Struct, rename=LINE, gc=False, omit_defaults=True):
    """A single-slot line as it is written. `a`: 1-based action numbers, the chosen one first; `p`: probabilities.

    The cost is minus the reward. VW weights what it learns by 1 / (1 - drop), and learns nothing where skip is True.
    deferred: skipped because it was never activated, where the mode would have skipped it in any case.
    holdback: the arm of the decision, as the event has it; Vowpal Wabbit passes over it.
    """

    cost: float
    probability: float
    action: int
    index: int
    at: str
    version: str
    id: str
    a: list[int]
    c: msgspec.Raw
    p: list[float]
    state: State
    original_cost: float
    skip: bool = False
    mode: str | None = None
    drop: float | None = None
    deferred: bool = False
    o: list[Observed] = []
    holdback: Any = None


class Slot(msgspec.Struct, rename=SLOT, gc=False):
    """One slot of a line as it is written. `a`: 0-based action numbers, the chosen one first; `p`: probabilities."""

    cost: float
    id: str
    a: list[int]
    p: list[float]
    o: list[Observed]
    original_cost: float


class SlotsLine(msgspec.Struct, rename=LINE, gc=False, omit_defaults=True):
    """A multi-slot line as it is written. `o` has the observations that belong to none of its slots."""

    at: str
    version: str
    id: str
    c: msgspec.Raw  # VW reads the labels of slots that it has seen: before the outcomes
    slots: list[Slot]
    state: State
    baselines: list[int] | None = None
    mode: str | None = None
    skip: bool = False
    drop: float | None = None
    deferred: bool = False
    o: list[Observed] = []
    holdback: Any = None


class Named(msgspec.Struct, rename=LINE, gc=False):
    """Whose a line is, whoever wrote it."""

    id: str


class Dated(Named, rename=LINE, gc=False):
    """Whose a line is and when it was ranked."""

    at: datetime


class Question(msgspec.Struct, rename=LINE, gc=False):
    """What a model is asked about a line, whoever wrote it: a distribution over actions, or one for each slot."""

    c: msgspec.Raw
    a: list[int] | None = None
    slots: list[msgspec.Raw] | None = None


_encode = msgspec.json.Encoder().encode
_named = msgspec.json.Decoder(Named)
_question = msgspec.json.Decoder(Question)


def encode(line: Line | SlotsLine) -> bytes:
    """The line with its end."""
    return _encode(line) + b"\n"


def id_of(line: bytes) -> str | None:
    """The event id of a line; None if it has none, being somebody else's."""
    try:
        return _named.decode(line).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def question(line: bytes) -> Question | None:
    """What a model is asked about a line; None if that cannot be read."""
    try:
        return _question.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def is_of_apprentice(cost: float, original_cost: float, action: int) -> bool:
    """True for a label that rlclientlib's joiner wrote in mode Apprentice without saying so, `action` being 1-based.

    It is then whether the model's action was the baseline, the first one, and not the reward.
    """
    return cost != original_cost and cost == (-1.0 if action == 1 else 0.0)


def is_multi_slot(lines: bytes) -> bool:
    """True for the line of a decision about several slots, and for lines among which there is one."""
    return _SLOTS in lines and _SLOTS_MEMBER.search(lines) is not None


def is_skipped(line: bytes) -> bool:
    """True for a line that VW passes over."""
    return _SKIP in line and _SKIPPED.search(line) is not None


def of_kind(lines: bytes, multi_slot: bool) -> bytes:
    """Those of the lines of a log that a learner of one kind can read; VW stops at the first of the other kind."""
    if not multi_slot and not is_multi_slot(lines):
        return lines
    return b"".join(one for one in lines.splitlines(keepends=True) if is_multi_slot(one) == multi_slot)
