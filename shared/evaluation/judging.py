"""A learning policy's events, as they are judged one by one."""

import math
from array import array
from collections.abc import Sequence

from shared.evaluation import logged, served
from shared.evaluation.buckets import Buckets
from shared.evaluation.columns import Columns, Weight, total
from shared.evaluation.event import LARGEST_WEIGHT
from shared.evaluation.logged import Logged, Use
from shared.evaluation.part import BASELINE, ONLINE, RANDOM, Judged, Part, Unit
from shared.evaluation.plan import Plan
from shared.evaluation.reward_model import Robust
from shared.evaluation.served import Outlook
from shared.evaluation.told import Shown, Tell

_LEAST = 1 / LARGEST_WEIGHT


class Judging:
    """Where they are added. plan: what is asked of them; policy: its name; tell: of each event, None if nobody asks."""

    def __init__(self, plan: Plan, policy: str, tell: Tell | None) -> None:
        self._plan, self._policy, self._tell = plan, policy, tell
        self._exploration = plan.candidate(policy).exploration
        self._is_measured = policy in plan.measured
        self._buckets = Buckets(plan.series_minutes) if plan.keeps_series and not self._is_measured else None
        self._columns, self._baseline, self._terms = Columns(), array("d"), list[float]()
        self._shows = {name: array("d") for name in (RANDOM, BASELINE)}

    def read(self, line: bytes) -> tuple[Logged, Use]:
        """The event of a line, and what it may be used for."""
        return logged.read(line)

    def answers(self, _event: Logged) -> int:
        """How many lines VW answers."""
        return 1

    def judge(self, event: Logged, predictions: Sequence[bytes], outlook: Outlook | None, costs: bytes | None) -> None:
        """predictions: VW's line; costs: that of a model of the rewards; raises BadPrediction."""
        count = len(event.a)
        pmf = served.served(served.parsed(predictions[0], count), outlook, self._exploration)
        self._add(event, pmf, None if costs is None else served.parsed(costs, count))
        if self._tell is not None:
            shown = Shown(event.id, event.at, event.chosen, event.p[0], event.reward)
            self._tell(self._policy, shown, pmf[event.a[0] - 1])

    def part(self, unit: Unit) -> Part:
        """Of all events so far."""
        series = self._buckets.series() if self._buckets is not None else {}
        return Part(unit, {unit.policy: self._judged()}, series=series)

    def _add(self, event: Logged, pmf: Sequence[float], costs: Sequence[float] | None) -> None:
        """pmf: what the policy would have served, in the order of the actions; costs: what a model of the rewards said
        before it learned the event."""
        chances = event.p
        possible = [pmf[number - 1] / p if p > _LEAST else 0.0 for number, p in zip(event.a, chances, strict=True)]
        reward = event.reward
        weight, count = Weight.of(possible, chances), event.decisions
        self._columns.add(reward, weight, count, usual=reward == self._plan.default_reward)
        self._baseline.append(1 / chances[0] if event.a[0] == event.first else 0.0)
        if self._buckets is not None:
            self._buckets.add(self._policy, event.at, reward, weight, count)
        if costs is not None:
            value = -math.fsum([share * cost for share, cost in zip(pmf, costs, strict=True)])
            self._terms.append((value + possible[0] * (reward + costs[event.a[0] - 1])) * count)
        if self._plan.looks_ahead:
            self._look_ahead(event, pmf)

    def _judged(self) -> Judged:
        """Of all events so far."""
        others = {ONLINE: array("d", [1.0]) * len(self._baseline), BASELINE: self._baseline}
        judged = Judged.of(self._columns, others, keep=self._is_measured or self._plan.looks_ahead)
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
