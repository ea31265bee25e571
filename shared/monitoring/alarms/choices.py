"""Choices do not follow the logged probabilities: then neither learning nor any estimate can be trusted.

The number of decisions that showed an action, less the sum of its logged probabilities p, divided by the root of the
sum of p (1 - p), is about standard normal: for the baseline, and for the most probable action of each decision.
"""

import math
from typing import NamedTuple

from shared.loops.hour_sums import Shown
from shared.monitoring.alarms.judgement import Judgement, ok, unknown
from shared.monitoring.alarms.window import Window

LEAST_VARIANCE = 25
WARNING, CRITICAL = 4.0, 6.0
_NEXT = (
    "Look for what comes between the service and its log: a client that ranks by itself, or lines that were changed. "
    "Compare one event's Rank with its trace. Do not evaluate or optimise on these days."
)


class Counted(NamedTuple):
    """How often an action was shown, and by its probabilities should have been."""

    of: str
    shown: int
    expected: float
    variance: float

    @property
    def z(self) -> float:
        """By how many standard deviations it was shown too often."""
        return (self.shown - self.expected) / math.sqrt(self.variance)

    @property
    def told(self) -> str:
        return f"{self.of} was shown {self.shown:,} times, {self.expected:,.0f} expected"


def judge(window: Window) -> Judgement:
    """Whether actions were shown as often as their probabilities say."""
    impossible = window.recent.fate("impossible") + sum(one.improper for one in window.shown)
    if impossible:
        return Judgement("critical", f"{impossible:,} decisions of a day have probabilities that are none.", _NEXT)
    if window.mode != "Online":
        return unknown(f"In the mode {window.mode} the loop shows the baseline, whatever the probabilities say.")
    counted = [one for one in _counted(window.shown) if one.variance >= LEAST_VARIANCE]
    if not counted:
        return unknown("Too few decisions of the last 24 closed hours were left to chance.")
    worst = max(counted, key=lambda one: abs(one.z))
    if abs(worst.z) <= WARNING:
        return ok(f"{worst.told[0].upper()}{worst.told[1:]}.")
    cause = f"In a day {worst.told}: {abs(worst.z):.1f} standard deviations apart."
    return Judgement("critical" if abs(worst.z) > CRITICAL else "warning", cause, _NEXT)


def _counted(shown: list[Shown]) -> list[Counted]:
    def total(name: str) -> float:
        return math.fsum(float(getattr(one, name)) for one in shown)

    baseline, top = sum(sum(one.baseline.values()) for one in shown), sum(one.top for one in shown)
    return [
        Counted("the baseline", baseline, total("baseline_p"), total("baseline_pq")),
        Counted("the most probable action", top, total("top_p"), total("top_pq")),
    ]
