"""A learning policy's events, as they are judged one by one."""

import math
from array import array
from collections.abc import Sequence

from shared.evaluation.buckets import Buckets, Series
from shared.evaluation.columns import Columns, total
from shared.evaluation.event import LARGEST_WEIGHT
from shared.evaluation.logged import Logged
from shared.evaluation.part import BASELINE, ONLINE, RANDOM, Judged
from shared.evaluation.plan import Plan
from shared.evaluation.reward_model import Robust

_LEAST = 1 / LARGEST_WEIGHT


class Judging:
    """Where they are added. plan: what is asked of them; policy: its name."""

    def __init__(self, plan: Plan, policy: str) -> None:
        self._plan, self._policy = plan, policy
        self._is_measured = policy in plan.measured
        self._buckets = Buckets() if plan.keeps_series and not self._is_measured else None
        self._columns, self._baseline, self._terms = Columns(), array("d"), list[float]()
        self._shows = {name: array("d") for name in (RANDOM, BASELINE)}

    def add(self, event: Logged, pmf: Sequence[float], costs: Sequence[float] | None) -> None:
        """pmf: what the policy would have served, in the order of the actions; costs: what a model of the rewards said
        before it learned the event."""
        logged = event.p
        possible = [pmf[number - 1] / p if p > _LEAST else 0.0 for number, p in zip(event.a, logged, strict=True)]
        reward = event.reward
        self._columns.add(reward, possible, logged, event.decisions, reward == self._plan.default_reward)
        self._baseline.append(1 / logged[0] if event.a[0] == event.first else 0.0)
        if self._buckets is not None:
            self._buckets.add(self._policy, event.at, reward, possible, logged, event.decisions)
        if costs is not None:
            value = -math.fsum([share * cost for share, cost in zip(pmf, costs, strict=True)])
            self._terms.append((value + possible[0] * (reward + costs[event.a[0] - 1])) * event.decisions)
        if self._plan.looks_ahead:
            self._look_ahead(event, pmf)

    def series(self) -> Series:
        """The course over time, if it is asked for."""
        return self._buckets.series() if self._buckets is not None else {}

    def judged(self) -> Judged:
        """Of all events so far."""
        others = {ONLINE: array("d", [1.0]) * len(self._baseline), BASELINE: self._baseline}
        judged = Judged.of(self._columns, others, keep=self._is_measured)
        if self._plan.looks_ahead:
            judged.shows = {name: total(squares) for name, squares in self._shows.items()}
        if self._plan.is_robust:
            judged.robust = Robust.of(self._columns.total_decisions, self._terms)
        return judged

    def _look_ahead(self, event: Logged, pmf: Sequence[float]) -> None:
        """How well a log that had been served so would show the uniform policy and the baseline."""
        square = 1 / len(pmf) ** 2
        self._shows[RANDOM].append(math.fsum([square / max(p, _LEAST) for p in pmf]))
        self._shows[BASELINE].append(1 / max(pmf[event.first - 1], _LEAST))
