"""Policies that need no model: Online, Baseline1, BaselineRand, and one action wherever it can be taken."""

from array import array
from collections import Counter

from shared.evaluation import logged, single_action
from shared.evaluation.buckets import Buckets
from shared.evaluation.choice import SURE, Choice, taken, weights
from shared.evaluation.columns import Columns, total
from shared.evaluation.logged import Logged, Use
from shared.evaluation.part import BASELINE, ONLINE, RANDOM, SINGLE, Drawn, Judged, Part, Unit
from shared.evaluation.single_action import Tallying
from shared.evaluation.told import Shown, Tell

# What the three policies are called where their weights are computed.
_NAMES = {"online": ONLINE, "baseline": BASELINE, "random": RANDOM}


def choice_of(event: Logged, default_reward: float) -> Choice:
    """What an event that is judged says of a decision."""
    reward = event.reward
    return Choice(reward, event.p, event.a.index(event.first), reward == default_reward, True, event.drop or 0.0)


class Log:
    """Judges the policies that every evaluation has.

    tallies: counts also what every single action would have earned. action: the id of one that is to be judged, taken
    wherever it can be. minutes: of the buckets of the course over
    time, 0 for none. tell: of each event, None if nobody asks.
    """

    def __init__(
        self, unit: Unit, default_reward: float, *, tallies: bool, action: str | None = None, minutes: int = 0,
        tell: Tell | None = None,
    ) -> None:  # fmt: skip
        self._unit, self._default, self._action, self._tell = unit, default_reward, action, tell
        self._always = Columns()
        self._columns = {name: Columns() for name in _NAMES}
        self._shown = Columns()
        self._buckets = Buckets(minutes) if minutes else None
        self._uses: Counter[str] = Counter()
        self._tallying = Tallying() if tallies else None
        self._likeliest = 0
        self._expected, self._own, self._measured = array("d"), array("d"), array("d")

    def add(self, line: bytes) -> None:
        """A line of the log."""
        event, use = logged.read(line)
        self._uses[use.name] += 1
        if use is Use.BASELINE:
            usual = event.reward == self._default
            self._shown.add(event.reward, SURE, event.decisions, usual=usual)
            if self._buckets is not None:
                self._buckets.add(BASELINE, event.at, event.reward, SURE, event.decisions)
        elif use is Use.JUDGED:
            self._judge(event, line)

    def part(self) -> Part:
        """Of all lines so far."""
        online, baseline = self._columns["online"], self._columns["baseline"].weights
        others = {ONLINE: online.weights, BASELINE: baseline}
        judged = {}
        for known, columns in self._columns.items():
            name = _NAMES[known]
            judged[name] = Judged.of(columns, {other: weights for other, weights in others.items() if other != name})
        judged[BASELINE].merge(Judged.of(self._shown, {}))
        if self._action is not None:
            judged[SINGLE] = Judged.of(self._always, others)
        expected = self._expected
        drawn = Drawn(
            self._likeliest,
            total(expected),
            total([p * (1 - p) for p in expected]),
            total(self._own),
            total(self._measured),
        )
        tally = self._tallying.tally() if self._tallying else None
        series = self._buckets.series() if self._buckets is not None else {}
        return Part(self._unit, judged, dict(self._uses), drawn, tally, series)

    def _judge(self, event: Logged, line: bytes) -> None:
        choice, count = choice_of(event, self._default), event.decisions
        reward, p = choice.reward, event.p
        for name, weight in weights(choice):
            self._columns[name].add(reward, weight, count, usual=choice.is_default)
            if self._buckets is not None:
                self._buckets.add(_NAMES[name], event.at, reward, weight, count)
            if self._tell is not None:
                self._tell(_NAMES[name], _shown(event), weight.chosen * p[0])
        likeliest = max(p)
        if p.count(likeliest) == 1:
            favourite = event.a[p.index(likeliest)]
        else:
            favourite = min(one for one, each in zip(event.a, p, strict=True) if each == likeliest)
        self._likeliest += event.chosen == favourite
        self._expected.append(min(likeliest, 1.0))
        self._own.append(p[0] / (p[0] if event.probability is None else event.probability) * reward)
        self._measured.append(reward)
        if self._action is not None:
            self._take_always(choice, event, single_action.place(line, event.a, self._action))
        if self._tallying is not None:
            self._tallying.add(line, event, reward * count / p[0])

    def _take_always(self, choice: Choice, event: Logged, place: int) -> None:
        """place: of the action that is taken, in the order of the logged probabilities."""
        weight = taken(choice.p, place)
        self._always.add(choice.reward, weight, event.decisions, usual=choice.is_default)
        if self._tell is not None:
            self._tell(SINGLE, _shown(event), weight.chosen * choice.p[0])


def _shown(event: Logged) -> Shown:
    return Shown(event.id, event.at, event.chosen, event.p[0], event.reward)
