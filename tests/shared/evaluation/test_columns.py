"""Columns give the bits that adding event by event gives, and pairs give the interval of a mean of differences."""

import math
import random
from statistics import fmean, stdev

import pytest

from shared.evaluation import estimate, gate, paired
from shared.evaluation.choice import Choice, weights
from shared.evaluation.columns import Columns, Paired, Weight, total
from shared.evaluation.diagnostics import Diagnostics
from shared.evaluation.estimate import Context
from shared.evaluation.estimators.cressie_read import CressieRead
from shared.evaluation.event import Event
from shared.evaluation.intervals.betting import Betting
from shared.evaluation.intervals.default import DefaultInterval
from shared.evaluation.intervals.gaussian import GaussianIps
from shared.evaluation.intervals.interval import Interval
from shared.evaluation.part import Judged
from shared.loops.exact_sum import ExactSum
from shared.loops.policy_sums import HEAVY, PolicySums


def add(sums: PolicySums, choice: Choice, possible: list[float]) -> None:
    """An event, number by number."""
    count, reward = 1 / (1 - choice.drop), choice.reward
    weight, square = possible[0] * count, (possible[0] * count) ** 2
    for name, value in (
        ("n", count),
        ("w", weight),
        ("ww", square),
        ("wr", weight * reward),
        ("wwr", square * reward),
        ("wwrr", (weight * reward) ** 2),
        ("r", count * reward),
        ("rr", count * reward * reward),
        ("wrr", weight * reward * reward),
        ("second", math.fsum(w * w * p for w, p in zip(possible, choice.p, strict=True)) * count * count),
    ):
        getattr(sums, name).add(value)
    sums.positive += weight > 0
    sums.paid += weight > 0 and reward != 0
    sums.heavy += possible[0] > HEAVY and not choice.is_default
    seen = {"least": min(possible) * count, "largest": max(possible) * count, "seen": weight}
    for name, value in (seen | {"lowest": reward, "highest": reward}).items():
        before = getattr(sums, name)
        choose = min if name in ("least", "lowest") else max
        setattr(sums, name, value if before is None else choose(before, value))


def choices(count: int, seed: int = 1) -> list[Choice]:
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        raw = [rng.random() ** 3 + 1e-6 for _ in range(rng.randrange(1, 6))]
        p = [one / sum(raw) for one in raw]
        reward = rng.choice([0.0, 1.0, -0.3, rng.uniform(-5, 5)])
        drop = rng.choice([0.0, 0.0, 0.25])
        made.append(Choice(reward, p, rng.randrange(len(p)), reward == 0, True, drop))
    return made


def possible(choice: Choice, policy: str) -> list[float]:
    """The weight of each action, in the order of the choice."""
    if policy == "online":
        return [1.0 for _ in choice.p]
    if policy == "random":
        return [1 / len(choice.p) / p for p in choice.p]
    return [1 / p if place == choice.baseline else 0.0 for place, p in enumerate(choice.p)]


@pytest.mark.parametrize("policy", ["online", "baseline", "random"])
def test_they_sum_to_what_adding_each_event_sums_to(policy: str) -> None:
    one_by_one, columns = PolicySums(), Columns()
    for choice in choices(500):
        add(one_by_one, choice, possible(choice, policy))
        weight = dict(weights(choice))[policy]
        columns.add(choice.reward, weight, 1 / (1 - choice.drop), usual=choice.is_default)
    assert columns.sums() == one_by_one


def test_a_total_is_exact_where_floats_round() -> None:
    values = [1e16, 1.0, -1e16, 1e-300, 2.0**-1074]
    expected = ExactSum()
    for value in values:
        expected.add(value)
    assert total(values) == expected
    assert float(total(values)) == 1.0
    assert total([]) == ExactSum()


def gathered(weights: list[float], rewards: list[float]) -> Columns:
    columns = Columns()
    for weight, reward in zip(weights, rewards, strict=True):
        columns.add(reward, Weight.of([weight], [1.0]), 1.0, usual=reward == 0)
    return columns


@pytest.mark.parametrize("lowest", [0.0, -1.0])
def test_a_difference_is_the_mean_of_shifted_differences(lowest: float) -> None:
    rng = random.Random(2)
    mine, theirs = ([rng.choice([0.0, 0.5, 3.0]) for _ in range(400)] for _ in range(2))
    rewards = [rng.choice([lowest, 0.2, 1.0]) for _ in range(400)]
    sums = Paired.of(gathered(mine[:150], rewards[:150]), theirs[:150])
    sums.merge(Paired.of(gathered(mine[150:], rewards[150:]), theirs[150:]))
    found = paired.difference(sums, lowest)
    assert found is not None
    each = [(w - v) * (r - lowest) for w, v, r in zip(mine, theirs, rewards, strict=True)]
    half = 1.959963984540054 * stdev(each) / math.sqrt(400)
    assert found.mean == pytest.approx(fmean(each), abs=1e-12)
    assert found.interval.upper == pytest.approx(fmean(each) + half, abs=1e-12)
    assert found.smallest == pytest.approx(half)
    assert found.needed == pytest.approx(400 * (half / found.mean) ** 2)
    assert found.is_decided == (abs(found.mean) > half)


def test_the_same_policy_differs_by_nothing() -> None:
    sums = Paired.of(gathered([1.0, 2.0, 0.0], [1.0, 0.0, 1.0]), [1.0, 2.0, 0.0])
    found = paired.difference(sums, 0.0)
    assert found is not None
    assert (found.mean, found.smallest, found.needed, found.is_decided) == (0.0, 0.0, None, False)
    assert paired.difference(Paired.of(gathered([1.0], [1.0]), [1.0]), 0.0) is None


def test_estimates_of_sums_are_those_of_events() -> None:
    rng = random.Random(5)
    columns, events = Columns(), CressieRead()
    interval, seen = DefaultInterval(Interval(0, 1), 0.0, 1_000.0, 600), Diagnostics()
    gaussian = GaussianIps()
    for _ in range(600):
        raw = [rng.random() + 0.05 for _ in range(4)]
        p_log = [one / sum(raw) for one in raw]
        p_eval = [0.7, 0.1, 0.1, 0.1]
        reward = float(rng.random() < 0.3)
        possible = [mine / logged for mine, logged in zip(p_eval, p_log, strict=True)]
        columns.add(reward, Weight.of(possible, p_log), 1.0, usual=reward == 0)
        event = Event(possible[0], reward)
        for one in (events, interval, gaussian):
            one.add(event)
        seen.add(event, p_log, p_eval)
    judged = Judged.of(columns, {})
    interval.least, interval.largest = seen.possible.least, seen.possible.greatest
    assert estimate.value_of(judged.sums, Interval(0, 1)) == events.get(seen.possible.least, seen.possible.greatest)
    assert estimate.interval_of(judged, Interval(0, 1)) == interval.get()
    diagnosed = gate.diagnostics(judged.sums)
    for name in ("effective", "mean_weight", "largest_weight"):
        assert getattr(diagnosed, name) == getattr(seen, name)
    assert diagnosed.expected == pytest.approx(seen.expected, rel=1e-12)
    assert diagnosed.doubts() == seen.doubts()
    context = Context(Interval(0, 1), 1.0, judged)
    assert estimate.of("mine", "", judged, context).half_width == gaussian.half_width()


def test_the_betting_interval_takes_the_place_of_cressie_read_while_rewards_are_rare() -> None:
    rng = random.Random(6)
    columns, alone = Columns(), Betting(Interval(0, 1), 5.0, 400)
    for number in range(400):
        weight, reward = rng.choice([0.0, 1.0, 5.0]), float(number % 40 == 0)
        columns.add(reward, Weight.of([weight, 5.0, 0.0], [1 / 3] * 3), 1.0, usual=reward == 0)
        alone.add(Event(weight, reward))
    judged = Judged.of(columns, {})
    assert estimate.interval_of(judged, Interval(0, 1)) == alone.get()
    assert estimate.quick_interval(judged.sums, Interval(0, 1)) != alone.get()
