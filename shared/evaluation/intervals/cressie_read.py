"""The Cressie-Read interval (Karampatziakis, Langford and Mineiro 2019)."""

import math
from typing import NamedTuple

from shared.evaluation.estimators.cressie_read import CressieRead, Sums
from shared.evaluation.intervals.beta import f_quantile
from shared.evaluation.intervals.interval import Interval


class _Bound(NamedTuple):
    """One end: `unseen` is the reward of an event that the log missed, `sign` -1 for the upper end."""

    unseen: float
    sign: int
    level: float


def cressie_read(
    events: CressieRead, rewards: Interval, alpha: float = 0.05, least: float = 0.0, largest: float = math.inf
) -> Interval | None:
    """The interval within the range of rewards; None without data.

    least, largest: the possible weights over all actions of all events, which the observed ones widen. A largest
    weight that is left infinite makes the interval up to four times as wide as the true one does.
    """
    sums = events.sums(least, largest)
    if sums is None:
        return None
    level = _level(sums, f_quantile(alpha, sums.n))
    lower = _end(sums, _Bound(rewards.lower, 1, level))
    upper = _end(sums, _Bound(rewards.upper, -1, level))
    low = rewards.lower if lower is None else lower
    high = rewards.upper if upper is None else upper
    return Interval(*(min(max(end, rewards.lower), rewards.upper) for end in (low, high)))


def _level(sums: Sums, quantile: float) -> float:
    """How far the likelihood may fall below its maximum."""
    if math.isinf(sums.unseen):
        greatest = 1 + 1 / sums.n
    else:
        mean, square = sums.moments(sums.unseen)
        greatest = (1 + sums.n) * (mean - 1) ** 2 / (square - mean * mean)
    return (-greatest - quantile) / (2 * (1 + sums.n))


def _end(sums: Sums, bound: _Bound) -> float | None:
    """The end by the worse of the least and the largest possible weight; None if the likelihood bounds nothing."""
    found = [
        each
        for each in (_candidate(sums, bound, sums.least), _candidate(sums, bound, sums.largest))
        if each is not None
    ]
    return bound.sign * min(found) if found else None


def _candidate(sums: Sums, bound: _Bound, weight: float) -> float | None:
    if not sums.varies(weight):
        return None
    point, curvature, slack = (_open if math.isinf(weight) else _closed)(sums, bound, weight)
    if slack > 0:
        return None
    # Above 0 the curvature is a rounding error: it is the part of the variance of w r that w does not explain, negated.
    return point - math.sqrt(2 * min(curvature, 0.0) * slack)


def _closed(sums: Sums, bound: _Bound, weight: float) -> tuple[float, float, float]:
    n, reward, square = 1 + sums.n, bound.unseen, weight * weight
    bw, bww = sums.moments(weight)
    bwr = bound.sign * (weight * reward + sums.wr) / n
    bwwr = bound.sign * (square * reward + sums.wwr) / n
    bwwrr = (square * reward * reward + sums.wwrr) / n
    variance, covariance = bww - bw * bw, bwwr - bw * bwr
    point = bwr + (1 - bw) * covariance / variance
    curvature = covariance * covariance / variance - (bwwrr - bwr * bwr)
    return point, curvature, bound.level + (1 - bw) ** 2 / (2 * variance)


def _open(sums: Sums, bound: _Bound, _weight: float) -> tuple[float, float, float]:
    n, reward = sums.n, bound.unseen
    point = bound.sign * (reward + (sums.wr - sums.w * reward) / n)
    curvature = (reward * sums.w - sums.wr) ** 2 / (n * (1 + n)) - (
        reward * reward * sums.ww - 2 * reward * sums.wwr + sums.wwrr
    ) / (1 + n)
    return point, curvature, bound.level + 1 / (2 * n)
