"""By how much one policy earns more than another one on the same events."""

import math
from typing import NamedTuple

from shared.evaluation.columns import Paired
from shared.evaluation.intervals.interval import Interval, normal_quantile, of_mean


class Difference(NamedTuple):
    """The mean of w r - w' r, with its two-sided 95 % interval.

    smallest: the smallest difference that the log can show: half of the interval's width. needed: how many decisions
    would decide one of the size seen; None if no number would.
    """

    mean: float
    interval: Interval
    smallest: float
    needed: float | None

    @property
    def is_decided(self) -> bool:
        """True if the interval leaves 0 out."""
        return self.interval.lower > 0 or self.interval.upper < 0


def difference(sums: Paired, lowest: float, alpha: float = 0.05) -> Difference | None:
    """None for fewer than two events. lowest: the least possible reward; rewards are shifted so that it is 0.

    Gaussian, and not self-normalised: a self-normalised one promotes policies that the log never tried.
    """
    n, d, dd = float(sums.n), float(sums.d), float(sums.dd)
    total = float(sums.dr) - lowest * d
    squares = float(sums.ddrr) - 2 * lowest * float(sums.ddr) + lowest * lowest * dd
    interval = of_mean(n, total, squares, normal_quantile(alpha))
    if interval is None:
        return None
    mean, half = total / n, interval.width / 2
    needed = n * (half / mean) ** 2 if mean else None
    return Difference(mean, interval, half, needed if needed is None or math.isfinite(needed) else None)
