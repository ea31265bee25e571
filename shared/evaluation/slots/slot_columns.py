"""The events of a policy that decides about several slots as columns of numbers, and their sums.

A slot's weight is the product of p_eval / p_log of the slots up to it: what it shows depends on what they show. Of a
whole event the weight is the sum of its slots' weights, and the reward their mean by these weights: weight times
reward is then the sum of what the slots earn.
"""

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from shared.evaluation.columns import Columns, Paired, total
from shared.evaluation.event import LARGEST_WEIGHT
from shared.evaluation.multi_slot.pseudo_inverse import PseudoInverse
from shared.evaluation.multi_slot.slot_sums import SlotSums
from shared.evaluation.part import Judged, rows_of
from shared.evaluation.slots.slot_events import SlotsEvent
from shared.loops.policy_sums import HEAVY, PolicySums

_LARGEST_SQUARE = LARGEST_WEIGHT * LARGEST_WEIGHT
# By slot the weights p_eval / p_log of its actions, the chosen one's first, given what the slots before it show.
Ratios = Sequence[Sequence[float]]


def over(evaluated: float, logged: float) -> float:
    """The weight of an action; 0 if the log never takes it."""
    return evaluated / logged if logged > 1 / LARGEST_WEIGHT else 0.0


class Earned(NamedTuple):
    """Sums over the slots of an event: of the weights, and of weight times reward."""

    weight: float
    value: float


def earned(event: SlotsEvent, ratios: Ratios) -> Earned:
    """Of a policy in an event."""
    weight, weights, values = 1.0, list[float](), list[float]()
    for slot, one in zip(event.slots, ratios, strict=True):
        weight = min(weight * one[0], LARGEST_WEIGHT)
        weights.append(weight)
        values.append(weight * slot.reward)
    return Earned(math.fsum(weights), math.fsum(values))


class _Differences:
    """Between two policies, on the events that both can be judged by."""

    def __init__(self) -> None:
        self.d, self.dr, self.counts = array("d"), array("d"), array("d")

    def add(self, mine: Earned, other: Earned, count: float) -> None:
        self.d.append((mine.weight - other.weight) * count)
        self.dr.append((mine.value - other.value) * count)
        self.counts.append(count)

    def paired(self) -> Paired:
        return Paired.summed(total(self.counts), self.d, self.dr)


class SlotColumns:
    """Where the events of a policy are added. slots: the ids of which sums are kept."""

    def __init__(self, slots: Iterable[str], default_reward: float) -> None:
        self._default = default_reward
        self._whole, self._pooled, self._first = Columns(), Columns(), Columns()
        self._slots = {name: Columns() for name in slots}
        self._additive, self._counts = array("d"), array("d")
        self._differences: dict[str, _Differences] = {}

    def add(self, event: SlotsEvent, ratios: Ratios, others: Mapping[str, Earned] | None = None) -> None:
        """An event. others: what the policies earn in it that this one is compared with."""
        weight = least = largest = 1.0
        wholes, seconds, count = list[tuple[float, float]](), list[float](), event.decisions
        usual = True
        for place, (slot, one) in enumerate(zip(event.slots, ratios, strict=True)):
            reward = slot.reward
            square = math.fsum([w * w * p for w, p in zip(one, slot.probabilities, strict=True)])
            seconds.append(min(weight * weight * square, _LARGEST_SQUARE))
            weight, largest = min(weight * one[0], LARGEST_WEIGHT), min(largest * max(one), LARGEST_WEIGHT)
            least *= min(one)
            wholes.append((least, largest))
            usual_here = reward == self._default
            usual = usual and usual_here
            heavy = not usual_here and weight > HEAVY
            for columns in (self._pooled, self._slots.get(event.name(place)), None if place else self._first):
                if columns is not None:
                    columns.put(weight, reward, count, seconds[-1], least, largest, heavy)
        mine, size = earned(event, ratios), len(event.slots)
        rewards = [slot.reward for slot in event.slots]
        mean = mine.value / mine.weight if mine.weight else math.fsum(rewards) / size
        self._whole.put(
            mine.weight, min(max(mean, min(rewards)), max(rewards)), count,
            min(size * math.fsum(seconds), _LARGEST_SQUARE),
            math.fsum([one for one, _ in wholes]), math.fsum([one for _, one in wholes]),
            not usual and mine.weight > HEAVY * size,
        )  # fmt: skip
        chosen = [one[0] for one in ratios]
        self._additive.append((1 - size + math.fsum(chosen)) * math.fsum(rewards) * count)
        self._counts.append(count)
        for name, other in (others or {}).items():
            self._differences.setdefault(name, _Differences()).add(mine, other, count)

    def judged(self) -> Judged:
        """Of all events so far; `sums` are those of whole events."""
        paired = {name: found.paired() for name, found in self._differences.items()}
        rows = {name: rows_of(columns) for name, columns in self._slots.items()}
        return Judged(self.whole(), paired, rows_of(self._whole), slots=self.slot_sums(rows))

    def slot_sums(self, rows: dict[str, bytes | None] | None = None) -> SlotSums:
        """Of all events so far, by slot. rows: as of `SlotSums`."""
        values = self._additive
        additive = PseudoInverse(total(self._counts), total(values), total([one * one for one in values]))
        slots = {name: columns.sums() for name, columns in self._slots.items()}
        return SlotSums(self._pooled.sums(), self._first.sums(), slots, rows or {}, additive)

    def whole(self) -> PolicySums:
        """Of whole events."""
        return self._whole.sums()
