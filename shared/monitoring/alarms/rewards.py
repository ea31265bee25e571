"""Rewards that are missing, all equal, or late."""

import math

from shared.loops.summary import Summary
from shared.monitoring.alarms.judgement import Judgement, ok, unknown
from shared.monitoring.alarms.window import LEAST_DECISIONS, Window, too_few
from shared.monitoring.figures import percent

# A share of rewards as small as the last day's comes less often than this, if nothing has changed.
LEVEL = 0.001
LEAST_REWARDS, LEAST_OBSERVED = 500, 25
MISSING, LATE, VERY_LATE = 0.5, 0.1, 0.5


def judge_missing(window: Window) -> Judgement:
    """Whether fewer decisions got a reward than on the seven days before."""
    now, rewarded = _shown(window.recent)
    then, usual = _shown(window.before)
    reason = too_few(now)
    if reason is not None:
        return unknown(reason)
    if then < LEAST_DECISIONS:
        return unknown("There are too few decisions on the seven days before to compare with.")
    share, before = rewarded / now, usual / then
    told = f"{percent(share, '.2f')} of decisions got a reward in the last 24 hours, "
    told += f"{percent(before, '.2f')} on the seven days before"
    if share >= MISSING * before or _chance(now, before, rewarded) > LEVEL:
        return ok(f"{told}.")
    return Judgement(
        "warning" if rewarded else "critical",
        f"Rewards are missing: {told}.",
        "Check that the application still calls Reward, with the eventId of its Rank and within rewardWaitTime. Late "
        "and orphan rewards are counted in personalizer_observations_total.",
    )


def judge_equal(window: Window) -> Judgement:
    """Whether there is nothing to learn from."""
    _, rewarded = _shown(window.recent)
    if rewarded < LEAST_REWARDS:
        return unknown(f"There are {rewarded:,} rewards in the last 24 closed hours; {LEAST_REWARDS} are needed.")
    lowest, highest = window.served.lowest, window.served.highest
    if lowest != highest:
        return ok(f"Rewards are between {lowest:.4g} and {highest:.4g}.")
    return Judgement(
        "warning",
        f"All {rewarded:,} rewards of the last 24 hours are {lowest:.4g}: there is nothing to learn from them.",
        "Send different rewards for different outcomes: for instance 1 for a click, and none or 0 for no click.",
    )


def judge_late(window: Window) -> Judgement:
    """Whether many rewards come after their decisions were closed."""
    late, on_time = window.recent.fate("late"), window.recent.fate("matched")
    if late + on_time < LEAST_OBSERVED:
        return unknown(
            f"There are {late + on_time:,} rewards in the last 24 closed hours; {LEAST_OBSERVED} are needed."
        )
    share = late / (late + on_time)
    told = f"{percent(share)} of rewards came after rewardWaitTime"
    if share <= LATE:
        return ok(f"{told}.")
    return Judgement(
        "critical" if share > VERY_LATE else "warning",
        f"In the last 24 hours {told}, and were not learned.",
        "Raise rewardWaitTime above the time that most rewards take (personalizer_reward_delay_seconds), or send them "
        "sooner.",
    )


def _shown(made: Summary) -> tuple[int, int]:
    """Decisions that were shown, and those of them that got a reward."""
    return made.fate("shown"), made.fate("rewarded")


def _chance(count: int, share: float, seen: int) -> float:
    """The chance to see so few among so many, at most, by Chernoff's bound: it holds for small counts as well."""
    expected = count * share
    if seen >= expected:
        return 1.0
    return math.exp(seen - expected + (seen * math.log(expected / seen) if seen else 0.0))
