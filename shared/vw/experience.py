"""What a model has been through, as the lines that it learns tell it: its schedule, its schema, the actions it knows.

Computed line by line in the order of the log, so that it is the same whatever runs the lines are learned in.
"""

import math
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.vw import action_ids, dsjson
from shared.vw.known_actions import KnownActions
from shared.vw.policy import Policy
from shared.vw.schedule import Schedule
from shared.vw.schema import Schema, Tally

# The schema is looked at after so many events, and from the last of them on after as many again.
LOOKS = (1, 10, 100, 1_000)
# The first EACH are looked at, and then one in so many: to decode an event takes half as long as to learn it.
EACH, SAMPLED = 100, 10
_LABEL = re.compile(rb'\{"_label_cost":([^,"]+),"_label_probability":([^,"]+),"_label_Action":(\d+),')
_EARNED = b'"_original_label_cost":'
_ORIGINAL = re.compile(_EARNED + rb"\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)")


class Experience(msgspec.Struct):
    """What is stored with a model. schema: with which it is to be made; grown: the day on which that grew, as in ISO.

    tally: of the namespaces since the last look.
    """

    schedule: Schedule = msgspec.field(default_factory=Schedule)
    schema: Schema = Schema()
    tally: Tally = msgspec.field(default_factory=Tally)
    grown: str = ""

    def copy(self) -> "Experience":
        return msgspec.msgpack.decode(msgspec.msgpack.encode(self), type=Experience)


class _Label(msgspec.Struct, rename=dsjson.LINE, gc=False):
    """A line, whoever wrote it."""

    cost: float
    original_cost: float | None = None
    action: int = 1


class _Dated(msgspec.Struct, rename=dsjson.LINE, gc=False):
    at: datetime


class _Context(msgspec.Struct, gc=False):
    c: msgspec.Raw


_label = msgspec.json.Decoder(_Label).decode
_dated = msgspec.json.Decoder(_Dated).decode
_context = msgspec.json.Decoder(_Context).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Pupil:
    """Goes through the lines on their way to a learner. policy: which of its own options it has."""

    def __init__(self, policy: Policy, experience: Experience, actions: KnownActions) -> None:
        self._policy, self.experience, self.actions = policy, experience, actions
        self.has_changed_actions = False

    def take(self, lines: bytes) -> bytes:
        """The lines as the learner is to get them."""
        return b"".join([self._take(line) for line in lines.splitlines(keepends=True)])

    def _take(self, line: bytes) -> bytes:
        if dsjson.is_skipped(line) or dsjson.is_multi_slot(line):
            return line
        found = _LABEL.match(line)
        try:
            cost = float(found[1]) if found is not None else None
        except ValueError:
            cost = None
        if found is None or cost is None:
            return self._take_foreign(line)
        self._learn(line, -_earned(line, cost), int(found[3]))
        if not self._policy.unweighted:
            return line
        start, end = found.span(2)
        return line[:start] + b"1" + line[end:]

    def _take_foreign(self, line: bytes) -> bytes:
        """A line whose members stand in another order."""
        try:
            label = _label(line)
            members = _members(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return line
        cost = label.cost if label.original_cost is None else label.original_cost
        self._learn(line, -cost, label.action)
        if not self._policy.unweighted:
            return line
        return msgspec.json.encode(members | {dsjson.LINE["probability"]: 1}) + b"\n"

    def _learn(self, line: bytes, reward: float, action: int) -> None:
        if not math.isfinite(reward):
            return
        experience = self.experience
        if experience.schedule.add(reward):
            experience.schedule.close(_at(line))
        name = action_ids.chosen(line, action)
        if name is not None and self.actions.add(name):
            self.has_changed_actions = True
        learned = experience.schedule.learned
        if self._policy.crosses_seen and (learned <= EACH or learned % SAMPLED == 0):
            self._look(line, learned)

    def _look(self, line: bytes, learned: int) -> None:
        experience = self.experience
        context = _decoded(line)
        experience.tally.add(context)
        if learned not in LOOKS and learned % LOOKS[-1]:
            return
        day = _at(line)[:10]
        if learned <= LOOKS[-1] or day > experience.grown:
            schema = experience.tally.grown(experience.schema, context)
            if schema != experience.schema:
                experience.schema, experience.grown = schema, day
        if learned >= LOOKS[-1]:
            experience.tally = Tally()


def _earned(line: bytes, cost: float) -> float:
    """The cost that the event came to. An apprentice learns by another one, which says whether it would have agreed."""
    found = _ORIGINAL.search(line, max(line.rfind(_EARNED), 0))
    return float(found[1]) if found is not None else cost


def _at(line: bytes) -> str:
    """When an event was ranked, as its line says, in ISO 8601 and UTC; empty if it does not."""
    try:
        at = _dated(line).at
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError):
        return ""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _decoded(line: bytes) -> dict[str, Any]:
    """The context of a line in VW's JSON; empty if it cannot be read."""
    try:
        context = msgspec.json.decode(_context(line).c)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return context if isinstance(context, dict) else {}
