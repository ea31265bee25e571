"""Whether rewards have fallen: a one-sided test of the mean reward lately against the mean before.

Traffic and rewards change with the hour of the day. So each hour of the day lately is compared with the same hour of
the day before, by as much as it counts lately.
"""

import math
from collections.abc import Iterable
from statistics import NormalDist
from typing import NamedTuple

from shared.loops.policy_sums import CERTAIN, ONLINE, PolicySums
from shared.loops.summary import DAY_MS, HOUR_MS, Summary
from shared.monitoring.states import Grade

LEVEL = 0.001
LEAST_DECISIONS = 500
# A fall of a larger share of the mean before is critical.
CRITICAL_SHARE = 0.2


class Change(NamedTuple):
    """The mean reward of `decisions` lately, and what it was before at the same hours of the day.

    upper: the mean lately less the mean before is below it with the chance 1 - LEVEL, if rewards have not changed.
    """

    decisions: float
    recent: float
    before: float
    upper: float

    @property
    def difference(self) -> float:
        """Below 0 if rewards are less than before."""
        return self.recent - self.before

    @property
    def grade(self) -> Grade:
        """A warning if rewards have fallen, critical if by more than CRITICAL_SHARE for sure."""
        if self.upper >= 0:
            return "ok"
        return "critical" if self.upper < -CRITICAL_SHARE * abs(self.before) else "warning"


def change(recent: Summary, before: Summary, least: int = LEAST_DECISIONS) -> Change | None:
    """Compares what was shown in two periods, of several slots the first slot; None if there is too little.

    Stretches are of an hour or less. least: so many decisions are needed in both periods at the hours of the day that
    both have. The variance is that of both periods together, within the hours of the day: of rare rewards, the variance
    of the few decisions lately is too small just when they earned little.
    """
    lately, usual = _by_hour_of_day(recent), _by_hour_of_day(before)
    shared = [(lately[hour], usual[hour]) for hour in lately.keys() & usual.keys()]
    decisions, earlier = sum(_n(now) for now, _ in shared), sum(_n(then) for _, then in shared)
    if min(decisions, earlier) < max(least, 2):
        return None
    mean = math.fsum(float(now.r) for now, _ in shared) / decisions
    expected = math.fsum(_n(now) * float(then.r) / _n(then) for now, then in shared) / decisions
    spread = math.fsum(float(now.ww) + (_n(now) / _n(then)) ** 2 * float(then.ww) for now, then in shared)
    error = math.sqrt(_variance(one for pair in shared for one in pair) * spread) / decisions
    return Change(decisions, mean, expected, mean - expected + NormalDist().inv_cdf(1 - LEVEL) * error)


def _n(sums: PolicySums) -> float:
    return float(sums.n)


def _by_hour_of_day(summary: Summary) -> dict[int, PolicySums]:
    """What was shown, by hours 0 to 23; those without decisions are left out."""
    hours = dict[int, PolicySums]()
    for at, slots in summary.stretches.items():
        for policy in (ONLINE, CERTAIN):
            if policy in slots.get(0, {}):
                hours.setdefault(at % DAY_MS // HOUR_MS, PolicySums()).merge(slots[0][policy])
    return {hour: sums for hour, sums in hours.items() if sums.n.units}


def _variance(samples: Iterable[PolicySums]) -> float:
    """Of a reward, within samples."""
    squares, freedom = list[float](), list[float]()
    for sums in samples:
        n = _n(sums)
        squares.append(float(sums.rr) - float(sums.r) ** 2 / n)
        freedom.append(n - float(sums.ww) / n)
    left = math.fsum(freedom)
    return max(0.0, math.fsum(squares)) / left if left > 0 else 0.0
