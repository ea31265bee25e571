"""The holdback is not split as it should be: then its arms are not comparable.

The unit is the key, of which many events may come. So what is tested is the sum over buckets of keys, by its variance
between them, with an interval that holds at any time: the test is made every hour.
"""

import math
from collections import Counter

from shared.loops.summary import Summary
from shared.monitoring import anytime
from shared.monitoring.alarms.judgement import Judgement, ok, unknown
from shared.monitoring.alarms.window import LEAST_DECISIONS, Window
from shared.monitoring.figures import percent
from shared.monitoring.holdback import BUCKETS

LEVEL = 0.001
LEAST_EXPECTED = 25


def judge(window: Window) -> Judgement:
    """Whether the arm of the baseline has its share of decisions, in 30 days of one share."""
    held = window.config.holdback
    if held is None:
        return unknown("There is no holdback.")
    if window.mode != "Online":
        return unknown(f"In the mode {window.mode} a holdback is without effect.")
    policy, baseline = (_counts(window.month, held.salt, arm) for arm in ("policy", "baseline"))
    n, shown = policy.total() + baseline.total(), baseline.total()
    if n < LEAST_DECISIONS or n * min(held.share, 1 - held.share) < LEAST_EXPECTED:
        return unknown(f"There are {n:,} decisions since the holdback began: too few to tell.")
    off = [baseline[bucket] - held.share * (policy[bucket] + baseline[bucket]) for bucket in range(BUCKETS)]
    mean = math.fsum(off) / BUCKETS
    variance = math.fsum((one - mean) ** 2 for one in off) * BUCKETS / (BUCKETS - 1)
    told = f"{percent(shown / n, '.2f')} of {n:,} decisions were held back, {percent(held.share, '.2f')} expected"
    if abs(math.fsum(off)) / n <= anytime.half_width(math.sqrt(variance / n), n, LEVEL):
        return ok(f"{told}.")
    return Judgement(
        "critical",
        f"The holdback is not split as it should be: {told}.",
        "Do not trust what it measures. Look for decisions of one arm that are lost: an application that shows another "
        "action when it gets the baseline, or gives up their Ranks. Then put another share, which begins a new window.",
    )


def _counts(made: Summary, salt: str, arm: str) -> Counter[int]:
    """Decisions by bucket, of several slots those of the first."""
    counts = Counter[int]()
    for hour in made.hours.values():
        if 0 in hour.slots:
            buckets = hour.slots[0].arms.get(salt, {}).get(arm, {})
            counts.update({bucket: sums.n for bucket, sums in buckets.items()})
    return counts
