"""Whether the rewards that the model expects come as they did before.

A model that shows what it expects most of expects too much of it, the more so the fewer events it has of each action;
where rewards are rare, it expects too little for long. So what counts is that a day differs from the days before.
"""

import math
from statistics import median

from shared.loops.calibration import Sums
from shared.monitoring.alarms.judgement import Judgement, ok, unknown
from shared.monitoring.alarms.window import LEAST_DECISIONS, Window

# A day that differs: beyond its error, the share of the mean reward, and the spread of the days before.
SURE, FAR, SPREAD = 4.0, 0.1, 4.0
LEAST_DAYS, LEAST_OF_DAY = 3, 100
# The standard deviation of a normal distribution in its median distances.
NORMAL = 1.4826


def judge(window: Window) -> Judgement:
    """By decisions that were judged before they were learned."""
    now, *days = window.expected
    days = [day for day in days if day.n >= LEAST_OF_DAY]
    if now.n < LEAST_DECISIONS:
        told = f"{now.n:,} decisions of the last day were judged before they were learned"
        return unknown(f"{told}; {LEAST_DECISIONS} are needed.")
    if len(days) < LEAST_DAYS:
        return unknown(f"{LEAST_DAYS} of the seven days before are needed to compare with; there are {len(days)}.")
    told = f"the model expected a mean reward of {now.predicted / now.n:.4g} and {now.reward / now.n:.4g} came"
    before = [day.off / day.n for day in days]
    usual = median(before)
    differs = abs(now.off / now.n - usual)
    if differs <= max(SURE * _error(now), FAR * abs(now.reward / now.n), SPREAD * _spread(before, usual)):
        return ok(f"In the last day {told}; the difference is as on the days before.")
    return Judgement(
        "warning",
        f"In the last day {told}; on the days before they differed by {usual:+.4g}.",
        "If rewards have just changed, the model learns so by itself. Else see whether some rewards are late or in "
        "another unit, and whether features that rewards depend on have changed.",
    )


def _spread(values: list[float], usual: float) -> float:
    """The standard deviation by the median of the distances, which a day that differs hardly moves."""
    return NORMAL * median(abs(one - usual) for one in values)


def _error(day: Sums) -> float:
    """The standard error of the mean difference."""
    off = day.off / day.n
    return math.sqrt(max(0.0, day.squares / day.n - off * off) / day.n)
