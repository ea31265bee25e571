"""The range of rewards, which every interval depends on: [-1, 1] makes it up to 1.8 times as wide as [0, 1]."""

from collections.abc import Iterable

from shared.evaluation.intervals.interval import Interval
from shared.loops.policy_sums import PolicySums


def reward_range(default_reward: float, sums: Iterable[PolicySums]) -> Interval:
    """From the least to the greatest reward, widened to [0, 1], or to [-1, 1] if any is negative."""
    ends = [default_reward]
    for one in sums:
        ends += [end for end in (one.lowest, one.highest) if end is not None]
    lowest, highest = min(ends), max(ends)
    return Interval(min(lowest, 0.0 if lowest >= 0 else -1.0), max(highest, 1.0))
