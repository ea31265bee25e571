"""Per-decision importance sampling with Cressie-Read, for the rewards of slots that are filled one after another."""

import math
from collections.abc import Sequence
from functools import reduce
from itertools import accumulate, zip_longest
from operator import add, mul

from shared.evaluation.estimators.cressie_read import CressieRead
from shared.evaluation.event import LARGEST_WEIGHT, Event
from shared.evaluation.intervals.beta import share_interval
from shared.evaluation.intervals.cressie_read import cressie_read
from shared.evaluation.intervals.interval import Interval


class PdisCressieRead:
    """Cressie-Read for each slot, with the product of the weights up to it."""

    def __init__(self, slots: Sequence[CressieRead] = ()) -> None:
        self.slots = list(slots)

    def add(self, weights: Sequence[float], rewards: Sequence[float], drop: float = 0.0) -> None:
        """An event: weight and reward of each slot, in order. Events may differ in their number of slots."""
        self.slots += [CressieRead() for _ in range(len(weights) - len(self.slots))]
        for slot, weight, reward in zip(self.slots, accumulate(weights, mul), rewards, strict=False):
            slot.add(Event(min(weight, LARGEST_WEIGHT), reward, drop=drop))

    def __add__(self, other: "PdisCressieRead") -> "PdisCressieRead":
        pairs = zip_longest(self.slots, other.slots, fillvalue=None)
        return PdisCressieRead([(one or CressieRead()) + (two or CressieRead()) for one, two in pairs])

    def get(self) -> list[float | None]:
        """The mean reward of each slot."""
        return [slot.get() for slot in self.slots]

    def overall(self) -> float | None:
        """The mean reward of a slot: all slots pooled, so not the sum over slots."""
        return reduce(add, self.slots, CressieRead()).get()

    def intervals(self, rewards: Interval, alpha: float = 0.05, largest: float = math.inf) -> list[Interval | None]:
        """For each slot; largest: the largest possible weight of one slot."""
        return [
            cressie_read(slot, rewards, alpha, largest=_power(largest, place))
            for place, slot in enumerate(self.slots, 1)
        ]

    def intervals_per_event(self, rewards: Interval, alpha: float = 0.05) -> list[Interval | None]:
        """For what each slot earns in an event, which is nothing where the event has no such slot.

        As vw-estimators has them: the ends are those of `intervals` times those of the share of events with the slot.
        """
        found = zip(self.slots, self.intervals(rewards, alpha), strict=True)
        return [None if one is None else self._per_event(slot, one, alpha) for slot, one in found]

    def _per_event(self, slot: CressieRead, interval: Interval, alpha: float) -> Interval:
        share = share_interval(float(slot.n), float(self.slots[0].n), alpha)
        return Interval(min(end * interval.lower for end in share), max(end * interval.upper for end in share))


def _power(weight: float, places: int) -> float:
    """The largest product of that many weights; infinite where it is of no use."""
    logarithm = places * math.log(max(weight, 1.0))
    return weight**places if logarithm < math.log(LARGEST_WEIGHT) else math.inf
