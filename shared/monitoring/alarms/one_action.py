"""One action takes nearly all: fine if it pays, else a sign that the loop has stopped to personalise."""

import math
from collections import Counter

from shared.loops.summary import Summary
from shared.monitoring.alarms.judgement import Judgement, ok, unknown
from shared.monitoring.alarms.window import Window, slots
from shared.monitoring.figures import percent
from shared.monitoring.lift import Lift

WARNING, CRITICAL = 0.4, 0.2


def judge(window: Window) -> Judgement:
    """Whether the evenness of what is shown is low while no lift shows that it pays."""
    reason = window.does_not_draw
    if reason is not None:
        return unknown(reason)
    evenness = _evenness(window.recent)
    if evenness is None:
        return unknown("No decision had more than one action.")
    action, share = _commonest(window.recent)
    told = f"'{action}' was {percent(share)} of what was shown in a day"
    before = _evenness(window.before)
    is_usual = before is not None and before < WARNING
    if evenness >= WARNING or _pays(window.lift) or (is_usual and _pays(window.long_lift)):
        return ok(f"{told}, by an evenness of {evenness:.2f}.")
    return Judgement(
        "critical" if evenness < CRITICAL else "warning",
        f"{told}, and no lift over the baseline shows that this pays.",
        "Check that the context differs between users and that actions have features: without them there is one best "
        "action for all. Evaluate the best single action against the policy (docs/evaluate.md).",
    )


def _pays(lift: Lift | None) -> bool:
    found = lift.range() if lift is not None else None
    return found is not None and found.lower > 0


def _evenness(made: Summary) -> float | None:
    """Entropy of the ids shown, 0 if all are one and 1 if all are equally common; None if there is no choice."""
    chosen, sizes = _chosen(made), [size for shown in slots(made, only_first=True) for size in shown.sizes]
    seen, count = max([len(chosen), *sizes], default=0), sum(chosen.values())
    if seen < 2 or not count:
        return None
    return -math.fsum(one / count * math.log(one / count) for one in chosen.values()) / math.log(seen)


def _commonest(made: Summary) -> tuple[str, float]:
    chosen = _chosen(made)
    action, count = max(chosen.items(), key=lambda one: one[1])
    return action, count / sum(chosen.values())


def _chosen(made: Summary) -> Counter[str]:
    chosen = Counter[str]()
    for shown in slots(made, only_first=True):
        chosen.update(shown.chosen)
    return chosen
