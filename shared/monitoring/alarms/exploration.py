"""Exploration: whether it has collapsed below what the policy gives by design, and whether it is enough to evaluate by.

The sum of 1 / e (`shared.loops.exploring`) is `second` of the sums for the random policy. The number of decisions,
squared, by that sum is how many decisions of the random policy the log is worth.
"""

import math

from shared.loops.policy_sums import RANDOM
from shared.loops.summary import DAY_MS, Summary
from shared.monitoring.alarms.judgement import Judgement, ok, unknown
from shared.monitoring.alarms.window import DAYS, Window
from shared.monitoring.figures import percent

LEAST_EFFECTIVE = 1_000
WARNING, CRITICAL = 0.5, 0.1


def judge_collapse(window: Window) -> Judgement:
    """Whether there is less exploration than the policy can give."""
    reason = window.does_not_draw
    if reason is not None:
        return unknown(reason)
    if window.exploring.edited > window.hour - DAY_MS:
        return unknown("The configuration was changed within the last 24 hours.")
    sizes, drawn = _sizes(window.recent), window.drawn
    least = window.exploring.least(sizes, (drawn.highest or 0.0) - (drawn.lowest or 0.0))
    found = _exploration(window.recent)
    if least is None or found is None:
        return unknown("The least exploration that this policy gives by design is not known, or there is none.")
    told = (
        f"exploration is {percent(found, '.2g')} of that of a random policy, by design at least {percent(least, '.2g')}"
    )
    if found >= WARNING * least:
        return ok(f"{told[0].upper()}{told[1:]}.")
    return Judgement(
        "critical" if found < CRITICAL * least else "warning",
        f"In the last 24 hours {told}.",
        "Compare the probabilities in a Rank's answer with explorationPercentage and the policy. A model that was "
        "imported or damaged, or a client that ranks by itself, can explore less: reset the model, or put back the "
        "previous one. Automatic optimisation waits meanwhile.",
    )


def judge_amount(window: Window) -> Judgement:
    """Whether 30 days of the log can tell how good other policies are."""
    if window.mode != "Online":
        return unknown(f"In the mode {window.mode} the loop explores nothing.")
    worth, days = _worth(window.month), _days(window.month)
    if days < DAYS / 2 or worth is None:
        return unknown(f"There are decisions on {days} of the last {DAYS} days; half of them are needed.")
    told = f"{DAYS} days of log are worth {worth:,.0f} decisions of a random policy"
    if worth >= LEAST_EFFECTIVE:
        return ok(f"{told}.")
    return Judgement(
        "warning",
        f"{told}: too little to evaluate policies that differ much from the one that served.",
        "Have it explore more: a policy with --epsilon and a larger explorationPercentage gives every action a least "
        "share, at a price in rewards (docs/evaluate.md).",
    )


def _exploration(made: Summary) -> float | None:
    """The harmonic mean of e over decisions of several actions."""
    inverse, count = _inverse(made)
    return count / inverse if count > 0 and inverse > 0 else None


def _worth(made: Summary) -> float | None:
    inverse, count = _inverse(made)
    return count * count / inverse if count > 0 and inverse > 0 else None


def _inverse(made: Summary) -> tuple[float, float]:
    """The sum of 1 / e and the number of decisions. Of one action, e is 1."""
    every = [slots[0][RANDOM] for slots in made.stretches.values() if RANDOM in slots.get(0, {})]
    alone = sum(hour.slots[0].sizes.get(1, 0) for hour in made.hours.values() if 0 in hour.slots)
    second, n = (math.fsum(float(getattr(sums, name)) for sums in every) for name in ("second", "n"))
    return second - alone, n - alone


def _sizes(made: Summary) -> dict[int, int]:
    sizes = dict[int, int]()
    for hour in made.hours.values():
        for size, count in (hour.slots[0].sizes if 0 in hour.slots else {}).items():
            sizes[size] = sizes.get(size, 0) + count
    return sizes


def _days(made: Summary) -> int:
    return len({at // DAY_MS for at in made.stretches})
