"""The holdback is not split as it should be: then its arms differ by more than what they show.

One test that holds at any time since the share was put, as far as 30 days reach: a new test each day would warn falsely
in every tenth loop within three months. What decides is the key, so the share scatters as it does between buckets.
"""

from shared.monitoring import anytime, holdback
from shared.monitoring.alarms.judgement import Judgement, ok, unknown
from shared.monitoring.alarms.window import LEAST_DECISIONS, Window

ALPHA = 0.001
_NEXT = (
    "Look for what loses decisions or rewards of one arm: Ranks that are cached, activations that depend on what is "
    "shown, or a few keys with most of the decisions. Put another holdbackPercentage to begin anew."
)


def judge(window: Window) -> Judgement:
    """Whether the arm of the baseline has its share of the decisions."""
    held = window.holdback
    if held is None or window.mode != "Online":
        return unknown("There is no holdback.")
    found = holdback.split(window.month, held.salt)
    if found is None or found.decisions < LEAST_DECISIONS:
        return unknown(f"There are fewer than {LEAST_DECISIONS} decisions since the share was put.")
    told = f"{found.share:.2%} of {found.decisions:,} decisions are held back, {held.share:.2%} expected"
    half = anytime.half_width(found.deviation, found.decisions, ALPHA)
    if abs(found.share - held.share) <= half:
        return ok(f"{told}.")
    return Judgement("critical", f"{told}; by chance at most {half:.2%} apart.", _NEXT)
