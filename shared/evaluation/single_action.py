"""The best single action for everybody: does context help at all?

The policy takes one action wherever it can be taken, and the baseline elsewhere. Which one is chosen on one part of the
log and reported on another: the best of many looks better than it is on the events that chose it.
"""

import math
from array import array
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from shared.evaluation.columns import total
from shared.evaluation.event import LARGEST_WEIGHT
from shared.evaluation.intervals.interval import normal_quantile
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

    def add(self, names: Sequence[str], chosen: int, first: int, worth: float) -> None:
        """An event. chosen, first: the indices of the logged action and of the baseline; worth: reward / p."""
        self._events += 1
        if not worth or len(self._differences) > MOST_ACTIONS:
            return
        if chosen != first:
            self._differences[names[chosen]].append(worth)
            return
        for index, name in enumerate(names):
            if index != first:
                self._differences[name].append(-worth)

    def tally(self) -> Tally:
        """Of all events so far."""
        sums = {name: Sums(total(d), total([one * one for one in d])) for name, d in self._differences.items()}
        return Tally(self._events, sums)


def possible(names: Sequence[str], order: Sequence[int], logged: Sequence[float], action: str) -> list[float]:
    """The weight of each action if that action is taken, or the baseline where there is none.

    order: the 1-based numbers of the actions in the order of their logged probabilities.
    """
    number = names.index(action) + 1 if action in names else min(order)
    return [1 / p if one == number and p > 1 / LARGEST_WEIGHT else 0.0 for one, p in zip(order, logged, strict=True)]
