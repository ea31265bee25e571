"""A race of candidates: after each turn the better half goes on, until a few are left for the held-out part."""

import math
from collections.abc import Collection, Mapping

from shared.evaluation import estimate
from shared.evaluation.part import Part, Unit
from shared.evaluation.plan import FINALISTS, Plan
from shared.loops.policy_sums import PolicySums

# So many standard deviations a mean weight is from 1 by chance.
CHANCE = 2


class Race:
    """How it stands. failed: policies that cannot be judged. What was decided once is not computed again."""

    def __init__(self, plan: Plan, done: Mapping[Unit, Part], failed: Collection[str] = ()) -> None:
        self._plan, self._done, self._failed = plan, done, failed
        self._known: dict[int, list[str] | None] = {}

    def going_on(self, stretch: int) -> list[str] | None:
        """Who is worked in a stretch, the best first; None while that is not decided."""
        stretch = min(stretch, self._plan.held_out)
        if stretch not in self._known:
            self._known[stretch] = self._decided(stretch)
        return self._known[stretch]

    def _decided(self, stretch: int) -> list[str] | None:
        plan = self._plan
        before = list(plan.race) if not stretch else self.going_on(stretch - 1)
        if before is None:
            return None
        judged = [name for name in before if name not in self._failed]
        if not stretch:
            return judged
        if any(Unit(name, stretch - 1) not in self._done for name in judged):
            return None
        ranked = sorted(judged, key=lambda name: (-value(self._done, name, stretch), plan.race.index(name)))
        return ranked[: FINALISTS if stretch == plan.held_out else max(FINALISTS, -(-len(judged) // 2))]


def value(done: Mapping[Unit, Part], name: str, stretch: int) -> float:
    """What decides: the value over the stretches before this one, but for the first, in which all have yet to learn.

    What the log never tried is taken to earn the least: a candidate that does it could not be told from a good one.
    """
    sums = PolicySums()
    for number in range(min(1, stretch - 1), stretch):
        sums.merge(done[Unit(name, number)].judged[name].sums)
    found = estimate.cressie_read(sums).get(sums.least or 0.0, sums.largest or 1.0) or 0.0
    return found - _never_tried(sums) * (found - min(0.0, sums.lowest or 0.0))


def _never_tried(sums: PolicySums) -> float:
    """By how much the mean weight is below 1 that chance does not explain: the share of what the candidate would do
    that the log has nothing of."""
    n = float(sums.n)
    if not n:
        return 0.0
    mean = float(sums.w) / n
    deviation = math.sqrt(max(0.0, float(sums.ww) / n - mean * mean) / n)
    return max(0.0, 1 - mean - CHANCE * deviation)
