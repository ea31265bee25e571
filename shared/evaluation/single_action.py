"""The best single action for everybody: does context help at all?

The policy takes one action wherever it can be taken, and the baseline elsewhere. Which one is chosen on one part of the
log and reported on another: the best of many looks better than it is on the events that chose it.
"""

import math
from array import array
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from shared.evaluation import action_names
from shared.evaluation.columns import total
from shared.evaluation.intervals.interval import normal_quantile
from shared.evaluation.logged import Logged
from shared.loops.exact_sum import ExactSum

# More different actions than these are not compared.
MOST_ACTIONS = 10_000


class Sums(msgspec.Struct):
    """By how much an action earns more than the baseline: sums over the events, and of squares."""

    d: ExactSum
    dd: ExactSum


class Tally(msgspec.Struct):
    """events: how many; actions: by their ids, of those that differed from the baseline in any event."""

    events: int = 0
    actions: dict[str, Sums] = {}

    def merge(self, other: "Tally") -> None:
        """Adds the events of the other."""
        self.events += other.events
        for name, sums in other.actions.items():
            mine = self.actions.setdefault(name, Sums(ExactSum(), ExactSum()))
            mine.d, mine.dd = mine.d + sums.d, mine.dd + sums.dd

    def best(self) -> str | None:
        """The action that is surest to beat the baseline; None if there is none to choose, or too many."""
        if len(self.actions) > MOST_ACTIONS:
            return None
        return max(sorted(self.actions), key=lambda name: _surely(self.actions[name], self.events), default=None)


def _surely(sums: Sums, events: int) -> float:
    """The lower end of the 95 % interval."""
    mean = float(sums.d) / events
    variance = max(0.0, float(sums.dd) / events - mean * mean)
    return mean - normal_quantile(0.05) * math.sqrt(variance / events)


class Tallying:
    """Where events are added."""

    def __init__(self) -> None:
        self._events = 0
        self._differences: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))

    def add(self, line: bytes, event: Logged, worth: float) -> None:
        """An event of a line. worth: reward / p, times the decisions that it stands for."""
        self._events += 1
        if not worth or len(self._differences) > MOST_ACTIONS:
            return
        names, first = action_names.of(line, len(event.a)), event.first
        if event.chosen != first:
            self._differences[names[event.chosen - 1]].append(worth)
            return
        for number, name in enumerate(names, 1):
            if number != first:
                self._differences[name].append(-worth)

    def tally(self) -> Tally:
        """Of all events so far."""
        sums = {name: Sums(total(d), total([one * one for one in d])) for name, d in self._differences.items()}
        return Tally(self._events, sums)


def place(line: bytes, order: Sequence[int], action: str) -> int:
    """Of the action that is taken in an event, in the order of its probabilities: that one, or the baseline where it
    is not there.

    order: the 1-based numbers of the actions in the order of their logged probabilities.
    """
    number = action_names.index(line, len(order), action) + 1
    return order.index(number or min(order))
