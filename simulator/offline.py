"""Play a scenario against Vowpal Wabbit in this process: learning alone, without HTTP, hubs and clocks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import mul
from random import Random

import msgspec
from vowpalwabbit import Workspace

from shared.joined_log.joined_lines import timestamp
from shared.rank import features
from shared.rank.wire import RankableAction
from shared.vw import policy
from shared.vw.dsjson import Line, State, encode
from shared.vw.experience import Experience, Pupil
from shared.vw.exploration import Exploration
from shared.vw.known_actions import KnownActions
from shared.vw.model import uniform as uniform_pmf
from shared.vw.sampling import cap_exploration
from simulator.scenario import Scenario, Visit

# Between two visits: so many events that a run of 10,000 takes a week.
VISIT_MS = 60_000
_QUESTION = b'{"EventId":"","a":[1,2],"c":%s,"p":[0.5,0.5]}'  # without a label


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


def vw_json(visit: Visit) -> bytes:
    """What Rank would hand to Vowpal Wabbit for this visit."""
    return features.vw_json(visit.context, [RankableAction(one.id, [*one.features]) for one in visit.actions])


def labelled(example: bytes, index: int, pmf: Sequence[float], reward: float, number: int) -> bytes:
    """The line of the log of the visit `number`: what was chosen and what it earned."""
    actions = [index + 1, *(one + 1 for one in range(len(pmf)) if one != index)]
    line = Line(
        cost=0.0 - reward,
        probability=pmf[index],
        action=index + 1,
        index=index,
        at=timestamp(number * VISIT_MS),
        version="1",
        id=str(number),
        a=actions,
        c=msgspec.Raw(example),
        p=[pmf[one - 1] for one in actions],
        state=State("offline"),
        original_cost=0.0 - reward,
    )
    return encode(line)


class DelayedLearner:
    """A model that changes every `refresh` visits only, and learns a visit when it is at least `delay` visits old.

    It is made and served as the service does it: anew, of all it has learned, when events have other namespaces.
    """

    def __init__(self, arguments: str, refresh: int, delay: int, share: float) -> None:
        self._policy = policy.parse(arguments)
        self._pupil = Pupil(self._policy, Experience(), KnownActions())
        self._schema = self._pupil.experience.schema
        self._refresh, self._delay, self._share = refresh, delay, share
        self._pending: deque[tuple[int, bytes]] = deque()
        self._log: list[bytes] = []
        self._model: Workspace | None = None
        self._exploration: Exploration | None = None

    def pmf(self, example: bytes, names: Sequence[str]) -> list[float]:
        """The probabilities to serve: uniform before anything was learned, then at most `share` off the best."""
        if self._model is None:
            return uniform_pmf(len(names))
        pmf = self._model.predict((_QUESTION % example).decode())
        if self._exploration is not None:
            pmf = self._exploration.served(pmf, names, self._share)
        return cap_exploration(pmf, self._share)

    def add(self, now: int, line: bytes) -> None:
        """Keeps visit number `now` until it is old enough."""
        self._pending.append((now, line))

    def tick(self, now: int) -> None:
        """Learns what is due, if it is time for a refresh."""
        if now % self._refresh:
            return
        due = []
        while self._pending and self._pending[0][0] <= now - self._delay:
            due.append(self._pending.popleft()[1])
        if due:
            self._learn(self._pupil.take(b"".join(due)).splitlines())

    def _learn(self, lines: list[bytes]) -> None:
        experience = self._pupil.experience
        self._log += lines
        if self._model is None or not self._schema.includes(experience.schema):
            self.close()
            self._schema, lines = experience.schema, self._log
            self._model = Workspace(f"{self._policy.for_vw(self._schema.arguments)} --dsjson --quiet")
        for line in lines:
            self._model.learn(line.decode())
        if self._policy.explores_first:
            self._exploration = Exploration(experience.schedule.sharpness, self._pupil.actions)

    def close(self) -> None:
        if self._model is not None:
            self._model.finish()


def play(
    scenario: Scenario,
    arguments: str,
    seed: int,
    events: int = 10_000,
    refresh: int = 300,
    exploration: float = 0.2,
    watch: Callable[[Visit, list[float]], None] | None = None,
) -> Outcome:
    """One run of `events` visits. Visitors depend on `seed` alone, so that policies meet the same ones.

    watch: is shown each visit and what is served.
    """
    visitors, luck = Random(f"visitors {seed}"), Random(f"luck {seed}")
    learner = DelayedLearner(arguments, refresh, scenario.delay, exploration)
    served = uniform = optimal = 0.0
    for now in range(events):
        learner.tick(now)
        visit = scenario.visit(visitors, now / events)
        example = vw_json(visit)
        pmf = learner.pmf(example, [action.id for action in visit.actions])
        if watch is not None:
            watch(visit, pmf)
        served += sum(map(mul, pmf, visit.expected))
        uniform += visit.uniform
        optimal += visit.optimal
        [chosen] = luck.choices(range(len(pmf)), pmf)
        reward = scenario.draw_reward(luck, visit.expected[chosen])
        if scenario.missing and luck.random() < scenario.missing:
            reward = 0.0
        learner.add(now, labelled(example, chosen, pmf, reward, now))
    learner.close()
    return Outcome(served / events, uniform / events, optimal / events)
