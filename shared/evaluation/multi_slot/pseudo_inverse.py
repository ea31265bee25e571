"""The pseudo-inverse estimator of the sum of rewards over slots (Swaminathan et al. 2017)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from shared.evaluation.accumulator import Accumulator, exact
from shared.evaluation.intervals.interval import Interval, normal_quantile, of_mean
from shared.loops.exact_sum import ExactSum


@dataclass(slots=True)
class PseudoInverse(Accumulator):
    """mean ((1 - S + sum of the S slots' weights) r): slots contribute to the sum of rewards independently."""

    n: ExactSum = exact()
    value: ExactSum = exact()
    squares: ExactSum = exact()

    def add(self, weights: Sequence[float], reward: float, drop: float = 0.0) -> None:
        """An event: the weight of each slot, and the sum of its rewards."""
        count = 1 / (1 - drop)
        value = (1 - len(weights) + math.fsum(weights)) * reward * count
        self.n.add(count)
        self.value.add(value)
        self.squares.add(value * value)

    def get(self) -> float | None:
        n = float(self.n)
        return float(self.value) / n if n else None

    def interval(self, alpha: float = 0.05) -> Interval | None:
        """Gaussian; None for fewer than two events."""
        return of_mean(float(self.n), float(self.value), float(self.squares), normal_quantile(alpha))
