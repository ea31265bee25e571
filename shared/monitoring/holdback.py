"""What a holdback measures: the lift over the baseline, by comparing its two arms, and how long that takes.

Arms are compared, not weighed: whoever saw the baseline did so by a hash that knows nothing of the decision. The unit
is the key of that hash, a person perhaps who comes often, so the variance is that between buckets of keys.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from shared.loops.arm_sums import ArmSums
from shared.loops.config import Holdback
from shared.loops.summary import Summary
from shared.monitoring import anytime, lift
from shared.monitoring.lift import LEAST_REWARDED, Lift, Range

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
    def lift(self) -> Lift:
        """The policy over the baseline; there is no interval as long as an arm has few rewarded decisions."""
        n, m, b = self.policy.decisions + self.baseline.decisions, self.policy.mean, self.baseline.mean
        found = Lift(n, m, b, min(self.policy.rewarded, self.baseline.rewarded), is_measured=True)
        if found.rewarded < LEAST_REWARDED:
            return found
        deviation = math.sqrt((self.policy.variance + self.baseline.variance) * n)
        return found._replace(deviation=deviation, relative=self._relative(n))

    def _relative(self, n: int) -> Range | None:
        """As a share of what the baseline earns, by the delta method; None if that may be 0."""
        m, b = self.policy.mean, self.baseline.mean
        if abs(b) <= anytime.half_width(math.sqrt(self.baseline.variance * n), n):
            return None
        ratio = m / b
        variance = (self.policy.variance + ratio * ratio * self.baseline.variance) / (b * b)
        value, half = (m - b) / abs(b), anytime.half_width(math.sqrt(variance * n), n)
        return Range(value, value - half, value + half)


class Split(NamedTuple):
    """How decisions fell to the arms. share: of the baseline. deviation: that of the share, as the mean of so many."""

    decisions: int
    share: float
    deviation: float


def lift_of(summary: Summary, held: Holdback | None) -> Lift | None:
    """The lift as it is measured, if a holdback has come to an interval, else as the log has it."""
    found = measured(summary, held.salt) if held is not None else None
    return found.lift if found is not None and found.lift.deviation is not None else lift.of(summary)


def measured(summary: Summary, window: str, slot: int = 0) -> Measured | None:
    """Of the decisions in a window, of several slots of one; None as long as an arm has none."""
    policy, baseline = (_buckets(summary, window, arm, slot) for arm in ("policy", "baseline"))
    return Measured(_arm(policy.values()), _arm(baseline.values())) if policy and baseline else None


def split(summary: Summary, window: str) -> Split | None:
    """Of the decisions in a window; None without any."""
    baseline, policy = (_buckets(summary, window, arm, 0) for arm in ("baseline", "policy"))
    counts = [tuple(arm[one].n if one in arm else 0 for arm in (baseline, policy)) for one in {*baseline, *policy}]
    n = sum(map(sum, counts))
    if not n:
        return None
    share = sum(held for held, _ in counts) / n
    return Split(n, share, math.sqrt(_variance((held - share * (held + other) for held, other in counts), n) * n))


def needed(share: float, deviation: float, difference: float) -> int:
    """Decisions until a difference of the arms is seen with 80 % power, by an interval that holds at any time.

    share: of the baseline, above 0 and below 1. deviation: the standard deviation of the rewards.
    """
    looks = (_WIDER * _TWO_SIDED + _POWER) * deviation / difference
    return math.ceil(looks * looks * (1 / share + 1 / (1 - share)))


def deviation(n: float, total: float, squares: float) -> float:
    """The standard deviation of n rewards by their sum and the sum of their squares; 0 without any."""
    return math.sqrt(max(0.0, squares / n - (total / n) ** 2)) if n else 0.0


def _buckets(summary: Summary, window: str, arm: str, slot: int) -> dict[int, ArmSums]:
    made: dict[int, ArmSums] = {}
    for hour in summary.hours.values():
        if slot in hour.slots:
            for bucket, sums in hour.slots[slot].arms.get(window, {}).get(arm, {}).items():
                made.setdefault(bucket, ArmSums()).merge(sums)
    return made


def _arm(buckets: Iterable[ArmSums]) -> Arm:
    """The ratio of two sums over buckets, of rewards and of decisions, and its variance."""
    sums = list(buckets)
    n = sum(one.n for one in sums)
    mean = math.fsum(float(one.r) for one in sums) / n
    variance = _variance((float(one.r) - mean * one.n for one in sums), n)
    return Arm(n, mean, variance, sum(one.paid for one in sums))


def _variance(rests: Iterable[float], n: int) -> float:
    """Of a ratio to n, by what each bucket has above it."""
    return math.fsum(rest * rest for rest in rests) / (n * n) * BUCKETS / (BUCKETS - 1)
