"""Whether values come in other shares than before: the population stability index (PSI) of counts by bin.

Without any change its mean is about (bins - 1) (1/n + 1/m), so a fixed bound such as .1 is false on small samples. The
bounds here are never below the quantile .999 of that.
"""

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import NamedTuple, TypeVar

from shared.monitoring.states import Grade

WARNING, CRITICAL = 0.1, 0.25
LEAST = 1000
_LEVEL = 0.999
# Added to each bin, so that an empty one has a logarithm.
_HALF = 0.5

Bin = TypeVar("Bin", str, int)


class Drift(NamedTuple):
    """The PSI, the value that it exceeds once in a thousand times if nothing has changed, and what is `usual`: how much
    days that were as always differ.
    """

    psi: float
    by_chance: float
    usual: float = 0.0

    def bound(self, least: float) -> float:
        """What the PSI has to exceed, at least this."""
        return max(least, self.by_chance, self.usual)

    @property
    def told_bound(self) -> float:
        """The bound of its grade: what it exceeds, or else the one of a warning."""
        return self.bound(CRITICAL if self.grade == "critical" else WARNING)

    @property
    def grade(self) -> Grade:
        """Of the PSI against its bounds."""
        if self.psi > self.bound(CRITICAL):
            return "critical"
        return "warning" if self.psi > self.bound(WARNING) else "ok"


def drift(recent: Mapping[Bin, float], before: Mapping[Bin, float], n: float, m: float) -> Drift:
    """Compares two counts by bin, above 0 in all. n, m: how many independent decisions each is worth."""
    bins = sorted(name for name in recent.keys() | before.keys() if recent.get(name, 0) + before.get(name, 0))
    now, then = n / math.fsum(recent.values()), m / math.fsum(before.values())
    psi = math.fsum(_part(recent.get(name, 0) * now, n, before.get(name, 0) * then, m, len(bins)) for name in bins)
    return Drift(psi, (1 / n + 1 / m) * _chi_squared(len(bins) - 1))


def _part(now: float, n: float, then: float, m: float, bins: int) -> float:
    p, q = (now + _HALF) / (n + _HALF * bins), (then + _HALF) / (m + _HALF * bins)
    return (p - q) * math.log(p / q)


def _chi_squared(freedom: int) -> float:
    """The quantile _LEVEL by Wilson and Hilferty's approximation, which is at most 3 % too large; 0 for none."""
    if not freedom:
        return 0.0
    spread = 2 / (9 * freedom)
    return freedom * (1 - spread + NormalDist().inv_cdf(_LEVEL) * math.sqrt(spread)) ** 3
