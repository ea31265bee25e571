"""The Cressie-Read estimator (Karampatziakis, Langford and Mineiro 2019), from six sums."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from shared.evaluation.accumulator import Accumulator, Extremes, exact, extremes
from shared.evaluation.event import Event
from shared.loops.exact_sum import ExactSum

# Possible weights closer together than this share of the largest count as equal.
EQUAL = 1e-6
# A variance below this share of the mean square is made of rounding errors: no formula may divide by it.
ROUNDING = 1e-13


class Sums(NamedTuple):
    """n, and the sums of w, w^2, w r, w^2 r, (w r)^2 and r, rounded once; the least and largest possible weight."""

    n: float
    w: float
    ww: float
    wr: float
    wwr: float
    wwrr: float
    r: float
    least: float
    largest: float

    @property
    def unseen(self) -> float:
        """The weight that the log most likely missed: the largest if the mean weight is below 1, else the least.

        It is 0 where all observed weights equal that one.
        """
        weight = self.largest if self.w < self.n else self.least
        return weight if self.varies(weight) else 0.0

    def varies(self, weight: float) -> bool:
        """True if the weights, with one further event of that weight, have a variance that can be divided by."""
        if math.isinf(weight):
            return True
        mean, square = self.moments(weight)
        return square - mean * mean > ROUNDING * square

    def moments(self, weight: float) -> tuple[float, float]:
        """The means of w and w^2 with one further event of that weight."""
        return (weight + self.w) / (1 + self.n), (weight * weight + self.ww) / (1 + self.n)


@dataclass(slots=True)
class CressieRead(Accumulator):
    """A value within the range of rewards that reweights the events so that the mean weight is 1.

    least, largest: the possible weights over all actions of all events, which the observed ones widen. An unknown
    largest weight is infinite; the true one is max p_eval / min p_log.
    """

    n: ExactSum = exact()
    w: ExactSum = exact()
    ww: ExactSum = exact()
    wr: ExactSum = exact()
    wwr: ExactSum = exact()
    wwrr: ExactSum = exact()
    r: ExactSum = exact()
    observed: Extremes = extremes()

    def add(self, event: Event) -> None:
        weight, reward = event.total_weight, event.reward
        square = weight * weight
        self.n.add(event.decisions)
        self.w.add(weight)
        self.ww.add(square)
        self.wr.add(weight * reward)
        self.wwr.add(square * reward)
        self.wwrr.add((weight * reward) ** 2)
        self.r.add(reward)
        self.observed.add(weight)

    def sums(self, least: float = 0.0, largest: float = math.inf) -> Sums | None:
        """What formulas need; None without data.

        The mean of weights is 1 by nature, so the possible ones reach from at most 1 to at least 1. Where all are
        equal, no reweighting is possible: an unseen event of weight 0 takes their place, as for a plain mean.
        """
        if not self.n.units:
            return None
        least, largest = min(least, self.observed.least, 1.0), max(largest, self.observed.greatest, 1.0)
        if math.isfinite(largest) and largest - least <= EQUAL * largest:
            least = largest = 0.0
        first = float(self.n), float(self.w), float(self.ww)
        second = float(self.wr), float(self.wwr), float(self.wwrr), float(self.r)
        return Sums(*first, *second, least, largest)

    def get(self, least: float = 0.0, largest: float = math.inf) -> float | None:
        sums = self.sums(least, largest)
        if sums is None:
            return None
        gamma, beta = _multipliers(sums)
        missing = max(0.0, 1 - (-gamma * sums.w - beta * sums.ww) / (1 + sums.n))
        return (-gamma * sums.wr - beta * sums.wwr) / (1 + sums.n) + missing * sums.r / sums.n


def _multipliers(sums: Sums) -> tuple[float, float]:
    if math.isinf(sums.unseen):
        return -(1 + sums.n) / sums.n, 0.0
    mean, square = sums.moments(sums.unseen)
    spread = mean * mean - square
    return (square - mean) / spread, (1 - mean) / spread
