"""How much of a log is learned in one go: as many lines as a budget of generated features allows, never by the clock.

So a run that is killed and repeated learns the same lines as one that is not.
"""

from collections.abc import Sequence
from typing import Protocol

from shared.vw import dsjson
from shared.vw.cost import MOST, Cost

# What a loop may spend in one run, some 10 to 20 s of a learner. Other loops go on meanwhile.
BUDGET = 2_000_000_000
_CONTEXT, _BEHIND, _TAG = b'"c":', b',"p":[', b'"_tag"'
MOST_ACTIONS = 50


class Event(Protocol):
    """A line of ours and what it says. context: VW's JSON, None of several slots. marked: to be skipped by VW."""

    @property
    def line(self) -> bytes: ...

    @property
    def context(self) -> bytes | None: ...

    @property
    def marked(self) -> bool: ...

    @property
    def rewarded(self) -> bool: ...


class Budget:
    """Divides lines into those that are learned now and those that wait.

    learned: events that were let through and that VW learns from; `rewarded` of them had a reward. refused: those that
    cost more than MOST, which no run could learn.
    """

    def __init__(self, cost: Cost, units: int = BUDGET) -> None:
        self._cost, self._left = cost, units
        self.learned = self.rewarded = self.refused = self.rewarded_refused = 0

    def take(self, lines: bytes) -> tuple[bytes, int]:
        """Those of the first lines that are to be fed to the learner, and how many lines that settles.

        Lines behind them wait for another run. The first line of a run never waits.
        """
        if self._left <= 0:
            return b"", 0
        fed: list[bytes] = []
        count = 0
        for line in lines.splitlines(keepends=True):
            if self._left <= 0:
                break
            count += 1
            learned = is_learned(line, self._cost)
            if self._admits(line_units(line, self._cost), learned, learned and is_rewarded(line)):
                fed.append(line)
        return b"".join(fed), count

    def take_events(self, events: Sequence[Event]) -> tuple[bytes, int]:
        """`take` of their lines, in which it does not look for what is known."""
        fed: list[bytes] = []
        for count, event in enumerate(events):
            if self._left <= 0:
                return b"".join(fed), count
            line, context = event.line, event.context
            if context is None:
                fed.append(self.take(line)[0])
                continue
            learned = not (event.marked or self._cost.multi_slot)
            if self._admits(_context_units(context, line, self._cost), learned, learned and event.rewarded):
                fed.append(line)
        return b"".join(fed), len(events)

    def _admits(self, units: int, learned: bool, rewarded: bool) -> bool:
        """Spends the units; False for a line that no run could learn."""
        if units > MOST:
            self.refused += learned
            self.rewarded_refused += rewarded
            return False
        self._left -= units
        self.learned += learned
        self.rewarded += rewarded
        return True


def is_learned(line: bytes, cost: Cost) -> bool:
    """True for a line that a learner of this policy learns from."""
    return not dsjson.is_skipped(line) and dsjson.is_multi_slot(line) == cost.multi_slot


def is_rewarded(line: bytes) -> bool:
    """True for a line of ours that holds a reward, not only activations."""
    outcomes = max(line.rfind(b'"_outcomes":'), line.rfind(b'"_original_label_cost":'))
    return line.find(b'{"v":', outcomes) >= 0


def line_units(line: bytes, cost: Cost) -> int:
    """At least what an event of the log costs a learner."""
    start, end = line.find(_CONTEXT) + len(_CONTEXT), line.rfind(_BEHIND)
    return _context_units(line[start : end if end > start else len(line)], line, cost)


def _context_units(context: bytes, line: bytes, cost: Cost) -> int:
    """`line_units` of a line with this context."""
    count = min(context.count(_TAG), MOST_ACTIONS) or MOST_ACTIONS
    units = cost.roughly(context, count)
    if units is not None:
        return units
    slots = line.count(b'"_label_cost"') if cost.multi_slot else 1
    units = cost.glance(context, count, max(slots, 1))
    return units if units <= MOST else dsjson_units(line, cost)


def dsjson_units(line: bytes, cost: Cost) -> int:
    """What an event costs by its decoded context, for one that may cost too much."""
    asked = dsjson.question(line)
    if asked is None:
        return 0
    count = len(asked.a) if asked.a else MOST_ACTIONS
    return cost.of(bytes(asked.c), count, len(asked.slots or ()) or 1)
