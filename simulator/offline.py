"""Play a scenario against Vowpal Wabbit in this process: learning alone, without HTTP, hubs and clocks."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from operator import mul
from random import Random

from vowpalwabbit import Workspace

from shared.rank import features
from shared.rank.wire import RankableAction
from shared.vw.dsjson import LINE
from shared.vw.model import uniform as uniform_pmf
from shared.vw.sampling import cap_exploration
from simulator.scenario import Scenario, Visit


@dataclass(frozen=True, slots=True)
class Outcome:
    """Mean expected rewards over one run: under the served probabilities, choosing at random, choosing the best."""

    served: float
    uniform: float
    optimal: float

    @property
    def gain(self) -> float:
        """Share of what can be gained over random: 0 is as good as random, 1 is perfect."""
        return (self.served - self.uniform) / (self.optimal - self.uniform)


def vw_json(visit: Visit) -> str:
    """What Rank would hand to Vowpal Wabbit for this visit."""
    return features.vw_json(visit.context, [RankableAction(one.id, [*one.features]) for one in visit.actions]).decode()


def labelled(example: str, index: int, probability: float, reward: float) -> str:
    """`example` with what was chosen and what it earned."""
    label = {LINE["cost"]: -reward, LINE["probability"]: probability, LINE["index"]: index}
    return json.dumps(label)[:-1] + "," + example[1:]


class DelayedLearner:
    """A model that changes every `refresh` visits only, and learns a visit when it is at least `delay` visits old."""

    def __init__(self, policy: str, refresh: int, delay: int, exploration: float) -> None:
        self._model = Workspace(f"{policy} --json --quiet")
        self._refresh, self._delay, self._exploration = refresh, delay, exploration
        self._pending: deque[tuple[int, str]] = deque()
        self._trained = False

    def pmf(self, example: str, count: int) -> list[float]:
        """The probabilities to serve: uniform before anything was learned, then at most `exploration` off the best."""
        if not self._trained:
            return uniform_pmf(count)
        return cap_exploration(self._model.predict(example), self._exploration)

    def add(self, now: int, labelled_example: str) -> None:
        """Keeps visit number `now` until it is old enough."""
        self._pending.append((now, labelled_example))

    def tick(self, now: int) -> None:
        """Learns what is due, if it is time for a refresh."""
        if now % self._refresh:
            return
        while self._pending and self._pending[0][0] <= now - self._delay:
            self._model.learn(self._pending.popleft()[1])
            self._trained = True

    def close(self) -> None:
        self._model.finish()


def play(
    scenario: Scenario,
    policy: str,
    seed: int,
    events: int = 10_000,
    refresh: int = 300,
    delay: int = 300,
    exploration: float = 0.2,
) -> Outcome:
    """One run of `events` visits. Visitors depend on `seed` alone, so that policies meet the same ones."""
    visitors, luck = Random(f"visitors {seed}"), Random(f"luck {seed}")
    learner = DelayedLearner(policy, refresh, delay, exploration)
    served = uniform = optimal = 0.0
    for now in range(events):
        learner.tick(now)
        visit = scenario.visit(visitors, now / events)
        example = vw_json(visit)
        pmf = learner.pmf(example, len(visit.actions))
        served += sum(map(mul, pmf, visit.expected))
        uniform += visit.uniform
        optimal += visit.optimal
        [chosen] = luck.choices(range(len(pmf)), pmf)
        reward = scenario.draw_reward(luck, visit.expected[chosen])
        learner.add(now, labelled(example, chosen, pmf[chosen], reward))
    learner.close()
    return Outcome(served / events, uniform / events, optimal / events)
