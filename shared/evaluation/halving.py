"""A race of candidates: after each turn the better half goes on, until a few are left for the held-out part."""

from collections.abc import Collection, Mapping

from shared.evaluation import estimate
from shared.evaluation.part import Part, Unit
from shared.evaluation.plan import FINALISTS, Plan
from shared.loops.policy_sums import PolicySums


def going_on(plan: Plan, done: Mapping[Unit, Part], failed: Collection[str], stretch: int) -> list[str] | None:
    """Who of the race is worked in a stretch, the best first; None while that is not decided.

    failed: policies that cannot be judged.
    """
    if not stretch:
        return [name for name in plan.race if name not in failed]
    if stretch > plan.held_out:
        return going_on(plan, done, failed, plan.held_out)
    before = going_on(plan, done, failed, stretch - 1)
    if before is None:
        return None
    judged = [name for name in before if name not in failed]
    if any(Unit(name, stretch - 1) not in done for name in judged):
        return None
    ranked = sorted(judged, key=lambda name: (-value(done, name, stretch), plan.race.index(name)))
    return ranked[: FINALISTS if stretch == plan.held_out else max(FINALISTS, -(-len(judged) // 2))]


def value(done: Mapping[Unit, Part], name: str, stretch: int) -> float:
    """What decides: the value over the stretches before this one, but for the first, in which all have yet to learn."""
    sums = PolicySums()
    for number in range(min(1, stretch - 1), stretch):
        sums.merge(done[Unit(name, number)].judged[name].sums)
    return estimate.cressie_read(sums).get(sums.least or 0.0, sums.largest or 1.0) or 0.0
