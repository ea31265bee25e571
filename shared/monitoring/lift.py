"""By how much the served policy earns more than the baseline: estimated from the log, on the same decisions.

The lift is m - b, where m is the mean reward and b that of the baseline, self-normalised: the sum of w r by the sum of
w, with w = 1/p where the baseline was shown and 0 elsewhere. Its variance is that of (r - m) - w (r - b).
"""

import math
from typing import NamedTuple

from shared.loops.policy_sums import BASELINE, ONLINE, PolicySums
from shared.loops.summary import Summary
from shared.monitoring import anytime

# There is no interval before so many decisions have shown the baseline and earned another reward than 0; before, the
# interval misses the true value too often (docs/decisions/0039-alarms.md).
LEAST_REWARDED = 25


class Range(NamedTuple):
    """An estimate with its interval."""

    value: float
    lower: float
    upper: float

    def excludes(self, value: float) -> bool:
        """True if a value is outside of the interval."""
        return not self.lower <= value <= self.upper


class Lift(NamedTuple):
    """decisions: those made by probabilities. online, baseline: the mean rewards.

    rewarded: what is compared with LEAST_REWARDED. deviation: that of the lift, as the mean of so many decisions; None
    as long as there is too little for an interval. relative: the lift as a share of what the baseline earns, None if
    that may be 0.
    """

    decisions: float
    online: float
    baseline: float
    rewarded: float
    deviation: float | None = None
    relative: Range | None = None

    @property
    def value(self) -> float:
        """Above 0 if the served policy earns more."""
        return self.online - self.baseline

    def range(self, alpha: float = anytime.ALPHA) -> Range | None:
        """The lift with its interval, which holds at any time with the chance 1 - alpha; None if it is too early."""
        return None if self.deviation is None else _range(self.value, self.deviation, self.decisions, alpha)


def of(summary: Summary) -> Lift | None:
    """Of all stretches, of several slots that of the first; None if the baseline was never shown.

    Decisions that showed the baseline whatever the probabilities said, as in Apprentice mode, are left out.
    """
    return of_sums(*(_total(summary, policy) for policy in (ONLINE, BASELINE)))


def of_sums(online: PolicySums, baseline: PolicySums) -> Lift | None:
    """Of the sums of the same decisions."""
    n, weight = float(online.n), float(baseline.w)
    if not weight:
        return None
    m, b = float(online.r) / n, float(baseline.wr) / weight
    found = Lift(n, m, b, _rewarded(n, baseline))
    if found.rewarded < LEAST_REWARDED:
        return found
    served, crossed, shown = _squares(online, baseline, m, b)
    deviation = _deviation(served - 2 * crossed + shown, n)
    least = anytime.half_width(_deviation(shown, n), n)
    if abs(b) <= least:
        return found._replace(deviation=deviation)
    ratio = m / b
    share = _deviation(served - 2 * ratio * crossed + ratio * ratio * shown, n) / abs(b)
    return found._replace(deviation=deviation, relative=_range((m - b) / abs(b), share, n, anytime.ALPHA))


def _range(value: float, deviation: float, n: float, alpha: float) -> Range:
    half = anytime.half_width(deviation, n, alpha)
    return Range(value, value - half, value + half)


def _total(summary: Summary, policy: str) -> PolicySums:
    first = [slots[0] for slots in summary.stretches.values() if 0 in slots]
    return PolicySums.of(sums[policy] for sums in first if policy in sums)


def _rewarded(n: float, baseline: PolicySums) -> float:
    """How many decisions showed the baseline and earned another reward than 0: those that there are, and those that
    the probabilities of all decisions make one expect of equal weight, whichever are fewer.

    A baseline that is likely here and most unlikely there soon has many such decisions, and says little of the latter.
    """
    expected = n * n / float(baseline.second) if baseline.second.units else 0.0
    return min(baseline.paid, expected * baseline.paid / max(baseline.positive, 1))


def _squares(online: PolicySums, baseline: PolicySums, m: float, b: float) -> tuple[float, float, float]:
    """The sums of (r - m)^2, of (r - m) w (r - b) and of w^2 (r - b)^2.

    The last is what was observed, or what the probabilities of all decisions make one expect if that is more: a rare
    decision of large weight that has not come yet is missing in the one.
    """
    n, ww, weight = float(online.n), float(online.ww), float(baseline.w)
    served = float(online.wwrr) - 2 * m * float(online.wwr) + m * m * ww
    crossed = (float(baseline.wrr) - (m + b) * float(baseline.wr) + m * b * weight) * ww / n
    observed = float(baseline.wwrr) - 2 * b * float(baseline.wwr) + b * b * float(baseline.ww)
    spread = float(baseline.wrr) / weight - b * b
    if baseline.positive - baseline.paid < LEAST_REWARDED:  # rewards of 0 may be rare, and not have come yet
        spread = max(spread, served / ww)
    return served, crossed, max(observed, float(baseline.second) * spread)


def _deviation(squares: float, n: float) -> float:
    return math.sqrt(max(0.0, squares) / n)
