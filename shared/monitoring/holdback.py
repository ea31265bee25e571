"""What a holdback measures: the lift over the baseline, by comparing its two arms, and how long that takes.

Arms are compared, not weighed: whoever saw the baseline did so by a hash that knows nothing of the decision. The unit
is the key of that hash, a person perhaps who comes often, so the variance is that between buckets of keys.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from shared.loops.arm_sums import ArmSums
from shared.loops.summary import Summary
from shared.monitoring import anytime
from shared.monitoring.lift import LEAST_REWARDED, Range

BUCKETS = 100
# An interval that holds at any time is some 1.75 times as wide as one for a single look; 80 % power.
_WIDER, _TWO_SIDED, _POWER = 1.75, 1.96, 0.84


class Arm(NamedTuple):
    """decisions: how many. mean: of their rewards. variance: of the mean, between buckets. rewarded: with another
    reward than 0."""

    decisions: int
    mean: float
    variance: float
    rewarded: int


class Measured(NamedTuple):
    """The two arms of a window."""

    policy: Arm
    baseline: Arm

    @property
    def value(self) -> float:
        """Above 0 if the policy earns more."""
        return self.policy.mean - self.baseline.mean

    def range(self, alpha: float = anytime.ALPHA) -> Range | None:
        """The lift with its interval, which holds at any time with the chance 1 - alpha; None if it is too early."""
        if min(self.policy.rewarded, self.baseline.rewarded) < LEAST_REWARDED:
            return None
        n = self.policy.decisions + self.baseline.decisions
        half = anytime.half_width(math.sqrt((self.policy.variance + self.baseline.variance) * n), n, alpha)
        return Range(self.value, self.value - half, self.value + half)

    def relative(self, alpha: float = anytime.ALPHA) -> Range | None:
        """The lift as a share of what the baseline earns, by the delta method; None if that may be 0."""
        (n, mean, variance, _), policy = self.baseline, self.policy
        n += policy.decisions
        if self.range(alpha) is None or abs(mean) <= anytime.half_width(math.sqrt(variance * n), n, alpha):
            return None
        ratio = policy.mean / mean
        deviation = math.sqrt((policy.variance + ratio * ratio * variance) * n) / abs(mean)
        value, half = self.value / abs(mean), anytime.half_width(deviation, n, alpha)
        return Range(value, value - half, value + half)


def measured(summary: Summary, window: str, slot: int = 0) -> Measured | None:
    """Of the decisions in a window, of several slots of one; None as long as an arm has none."""
    buckets: dict[str, dict[int, ArmSums]] = {"policy": {}, "baseline": {}}
    for hour in summary.hours.values():
        if slot in hour.slots:
            for arm, found in hour.slots[slot].arms.get(window, {}).items():
                for bucket, sums in found.items():
                    buckets[arm].setdefault(bucket, ArmSums()).merge(sums)
    if not all(buckets.values()):
        return None
    return Measured(*(_arm(found.values()) for found in buckets.values()))


def needed(share: float, deviation: float, difference: float) -> int:
    """Decisions until a difference of the arms is seen with 80 % power, by an interval that holds at any time.

    share: of the baseline, above 0 and below 1. deviation: the standard deviation of the rewards.
    """
    looks = (_WIDER * _TWO_SIDED + _POWER) * deviation / difference
    return math.ceil(looks * looks * (1 / share + 1 / (1 - share)))


def deviation(n: float, total: float, squares: float) -> float:
    """The standard deviation of n rewards by their sum and the sum of their squares; 0 without any."""
    return math.sqrt(max(0.0, squares / n - (total / n) ** 2)) if n else 0.0


def _arm(buckets: Iterable[ArmSums]) -> Arm:
    """The ratio of two sums over buckets, of rewards and of decisions, and its variance."""
    sums = list(buckets)
    decisions = sum(one.n for one in sums)
    mean = math.fsum(float(one.r) for one in sums) / decisions
    squares = math.fsum((float(one.r) - mean * one.n) ** 2 for one in sums)
    variance = squares / decisions**2 * BUCKETS / (BUCKETS - 1)
    return Arm(decisions, mean, variance, sum(one.paid for one in sums))
