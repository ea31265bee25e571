"""Rewards have fallen, or the loop earns less than its baseline would."""

from shared.monitoring import reward_drop
from shared.monitoring.alarms.judgement import Judgement, ok, unknown
from shared.monitoring.alarms.window import LEAST_DECISIONS, Window
from shared.monitoring.anytime import ALPHA
from shared.monitoring.lift import Lift
from shared.monitoring.states import Grade

# The interval that a warning goes by holds with less certainty.
WARNING_ALPHA = 0.2
GRADES: tuple[Grade, ...] = ("ok", "warning", "critical")


def judge_drop(window: Window) -> Judgement:
    """Whether the mean reward of the last day is below that of the seven days before, at the same hours."""
    found = reward_drop.change(window.recent, window.before)
    if found is None:
        return unknown(f"{LEAST_DECISIONS} decisions are needed in the last 24 hours, and in the seven days before.")
    told = f"the mean reward of the last 24 hours is {found.recent:.4g}, {found.before:.4g} on the seven days before"
    if found.grade == "ok":
        return ok(f"{told[0].upper()}{told[1:]}.")
    return Judgement(
        found.grade,
        f"Rewards have fallen: {told}, at the same hours.",
        "Look at what changed then: the application, what it rewards, its visitors, the policy or the model. If it was "
        "a policy or a model, undo it.",
    )


def judge_lift(window: Window) -> Judgement:
    """Whether the served policy earns less than the baseline, on the last day or on eight days."""
    reason = window.does_not_draw
    if reason is not None:
        return unknown(reason)
    periods = [("24 hours", window.lift), ("8 days", window.long_lift)]
    graded = [(grade, period, found) for period, found in periods if found and (grade := _grade(found))]
    if not graded:
        return unknown("The baseline was shown too seldom with a reward to compare with it.")
    grade, period, found = max(graded, key=lambda one: GRADES.index(one[0]))
    told = f"over the last {period} it earned {found.online:.4g} per decision, the baseline {found.baseline:.4g}"
    if grade == "ok":
        return ok(f"{told[0].upper()}{told[1:]}.")
    return Judgement(
        grade,
        f"It earns less than its baseline would: {told}.",
        "Check that the reward measures what is wanted and comes within rewardWaitTime; evaluate other policies; undo "
        "the last change, or show the baseline (mode Apprentice) until it is found.",
    )


def _grade(found: Lift) -> Grade | None:
    surely, likely = found.range(ALPHA), found.range(WARNING_ALPHA)
    if surely is None or likely is None:
        return None
    return "critical" if surely.upper < 0 else "warning" if likely.upper < 0 else "ok"
