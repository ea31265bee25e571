"""A two-sided interval."""

import math
from statistics import NormalDist
from typing import NamedTuple


class Interval(NamedTuple):
    """The ends that hold the value with the chance 1 - alpha."""

    lower: float
    upper: float

    @property
    def width(self) -> float:
        return self.upper - self.lower


def normal_quantile(alpha: float) -> float:
    """How many standard errors lie on either side of an estimate, at the level 1 - alpha."""
    return NormalDist().inv_cdf(1 - alpha / 2)


def of_mean(n: float, total: float, squares: float, quantiles: float) -> Interval | None:
    """The interval of a mean: its variance from the sample with n - 1 degrees of freedom; None for n <= 1."""
    if n <= 1:
        return None
    mean = total / n
    half = quantiles * math.sqrt(max(0.0, squares - total * mean) / (n - 1) / n)
    return Interval(mean - half, mean + half)
