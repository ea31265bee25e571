"""The events of a stretch as columns of numbers, and their sums without rounding."""

import math
from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

import msgspec

from shared.loops.exact_sum import ExactSum
from shared.loops.policy_sums import HEAVY, PolicySums


def total(values: Iterable[float]) -> ExactSum:
    """The sum of finite numbers, exact, as adding them one by one would make it; some ten times as fast.

    What `fsum` rounds away is what it finds in the next turn.
    """
    found, rest = ExactSum(), list(values)
    while rounded := math.fsum(rest):
        found.add(rounded)
        rest.append(-rounded)
    return found


class Weight(NamedTuple):
    """What p_eval / p_log says of a decision. chosen: of the logged action; second: the sum of p_eval^2 / p_log over
    the actions; least, largest: over them."""

    chosen: float
    second: float
    least: float
    largest: float

    @classmethod
    def of(cls, possible: Sequence[float], logged: Sequence[float]) -> Self:
        """possible: of each action, the chosen one's first; logged: its probability in the log."""
        second = math.fsum([w * w * p for w, p in zip(possible, logged, strict=True)])
        return cls(possible[0], second, min(possible), max(possible))


class Columns:
    """What `PolicySums` holds of events, gathered: one number each, and summed once.

    weights, rewards: those of the chosen action, per decision. counts: how many decisions each stands for.
    """

    def __init__(self) -> None:
        self.weights, self.rewards, self.counts, self._second = array("d"), array("d"), array("d"), array("d")
        self._least, self._largest, self._heavy = math.inf, -math.inf, 0

    def add(self, reward: float, weight: Weight, count: float, *, usual: bool) -> None:
        """An event. usual: its reward is the default one."""
        chosen, second, least, largest = weight
        self.put(chosen, reward, count, second, least, largest, not usual and chosen > HEAVY)

    def put(
        self, weight: float, reward: float, count: float, second: float, least: float, largest: float, heavy: bool
    ) -> None:
        """An event by its figures. second: its sum of p_eval^2 / p_log over the actions; least, largest: its possible
        weights; heavy: as it counts for `PolicySums`."""
        self.weights.append(weight)
        self.rewards.append(reward)
        self.counts.append(count)
        self._second.append(second * count * count)
        if least * count < self._least:
            self._least = least * count
        if largest * count > self._largest:
            self._largest = largest * count
        self._heavy += heavy

    @property
    def is_whole(self) -> bool:
        """True if each event stands for itself alone."""
        return self.counts.count(1.0) == len(self.counts)

    @property
    def total_decisions(self) -> ExactSum:
        return total([float(len(self.counts))] if self.is_whole else self.counts)

    def decisions(self, values: Sequence[float]) -> Sequence[float]:
        """What values of the events are for all decisions that they stand for."""
        return values if self.is_whole else [value * count for value, count in zip(values, self.counts, strict=True)]

    def sums(self) -> PolicySums:
        """Of all events so far."""
        counts, rewards = self.counts, self.rewards
        if not counts:
            return PolicySums()
        weights = self.decisions(self.weights)
        squares = [w * w for w in weights]
        earned = [w * r for w, r in zip(weights, rewards, strict=True)]
        counted = self.decisions(rewards)
        return PolicySums(
            n=self.total_decisions,
            w=total(weights),
            ww=total(squares),
            wr=total(earned),
            wwr=total([s * r for s, r in zip(squares, rewards, strict=True)]),
            wwrr=total([e * e for e in earned]),
            r=total(counted),
            rr=total([c * r for c, r in zip(counted, rewards, strict=True)]),
            wrr=total([e * r for e, r in zip(earned, rewards, strict=True)]),
            second=total(self._second),
            positive=sum(map(bool, weights)),
            paid=sum(1 for w, r in zip(weights, rewards, strict=True) if w and r),
            heavy=self._heavy,
            least=self._least,
            largest=self._largest,
            seen=max(weights),
            lowest=min(rewards),
            highest=max(rewards),
        )


class Paired(msgspec.Struct):
    """What tells two policies apart on the same events: sums of d = w - w', d r, d^2, d^2 r and d^2 r^2.

    Rewards may be shifted afterwards: the interval of the difference depends on it.
    """

    n: ExactSum = msgspec.field(default_factory=ExactSum)
    d: ExactSum = msgspec.field(default_factory=ExactSum)
    dr: ExactSum = msgspec.field(default_factory=ExactSum)
    dd: ExactSum = msgspec.field(default_factory=ExactSum)
    ddr: ExactSum = msgspec.field(default_factory=ExactSum)
    ddrr: ExactSum = msgspec.field(default_factory=ExactSum)

    @classmethod
    def of(cls, columns: Columns, others: Sequence[float]) -> "Paired":
        """others: the weights of the policy that it is compared with, on the same events."""
        differences = columns.decisions([mine - other for mine, other in zip(columns.weights, others, strict=True)])
        earned = [d * r for d, r in zip(differences, columns.rewards, strict=True)]
        return cls.summed(columns.total_decisions, differences, earned)

    @classmethod
    def summed(cls, decisions: ExactSum, differences: Sequence[float], earned: Sequence[float]) -> "Paired":
        """Of d and d r, event by event, each times the decisions that an event stands for."""
        return cls(
            n=decisions,
            d=total(differences),
            dr=total(earned),
            dd=total([d * d for d in differences]),
            ddr=total([d * e for d, e in zip(differences, earned, strict=True)]),
            ddrr=total([e * e for e in earned]),
        )

    def merge(self, other: "Paired") -> None:
        """Adds the events of the other."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
