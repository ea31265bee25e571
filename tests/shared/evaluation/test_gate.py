"""What the gate lets through, and what it must not."""

import random
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from shared.evaluation import estimate, self_check
from shared.evaluation.columns import Columns, Weight, total
from shared.evaluation.estimate import Context, Estimate
from shared.evaluation.gate import Verdict
from shared.evaluation.intervals.interval import Interval
from shared.evaluation.part import ONLINE, Drawn, Judged
from shared.evaluation.reward_range import reward_range
from shared.loops.policy_sums import PolicySums

DAY_MS = 86_400_000.0


class Seen(NamedTuple):
    """reward; logged, evaluated: the probabilities of both actions, the chosen one's first."""

    reward: float
    logged: tuple[float, float]
    evaluated: tuple[float, float]


def estimated(events: Iterator[Seen], days: float = 1.0) -> Estimate:
    columns, online = Columns(), Columns()
    for event in events:
        possible = [e / p for e, p in zip(event.evaluated, event.logged, strict=True)]
        columns.add(event.reward, Weight.of(possible, event.logged), 1.0, usual=event.reward == 0)
        online.add(event.reward, Weight.of((1.0, 1.0), event.logged), 1.0, usual=event.reward == 0)
    judged = Judged.of(columns, {ONLINE: online.weights})
    context = Context(Interval(0.0, 1.0), days * DAY_MS, Judged.of(online, {}))
    return estimate.of("mine", "", judged, context, arguments="--cb_explore_adf")


def untried(seed: int) -> Iterator[Seen]:
    """Two actions, the best of which the log takes but for one time in 3,000. In 5 % of contexts the best earns .1 and
    the other nothing, elsewhere .5 and .4; the candidate takes the other one in those, and so is worse by .005."""
    rng, rare = random.Random(seed), 1 / 3_000
    for _ in range(30_000):
        odd, takes_best = rng.random() < 0.05, rng.random() >= rare
        earns = (0.1 if takes_best else 0.0) if odd else (0.5 if takes_best else 0.4)
        best, other = (1 - rare, 0.0 if odd else 1.0), (rare, 1.0 if odd else 0.0)
        mine, its = (best, other) if takes_best else (other, best)
        yield Seen(float(rng.random() < earns), (mine[0], its[0]), (mine[1], its[1]))


def better(count: int, gain: float, seed: int = 1) -> Iterator[Seen]:
    """The log takes one of two actions in a third of the events, the candidate nearly always: it earns that more."""
    rng = random.Random(seed)
    for _ in range(count):
        takes_it = rng.random() < 1 / 3
        reward = float(rng.random() < (0.3 + gain if takes_it else 0.3))
        yield Seen(reward, (1 / 3, 2 / 3) if takes_it else (2 / 3, 1 / 3), (0.98, 0.02) if takes_it else (0.02, 0.98))


@pytest.mark.parametrize("seed", range(4))
def test_a_candidate_that_the_log_never_tried_is_not_promoted(seed: int) -> None:
    found = estimated(untried(seed))
    assert found.effective is not None
    assert found.effective > 50  # what is observed does not warn
    assert found.verdict is not None
    assert not found.verdict.promoted
    assert found.unreliable


@pytest.mark.soak
def test_no_log_of_many_promotes_it() -> None:
    verdicts = [estimated(untried(seed)).verdict for seed in range(200)]
    assert not any(one is None or one.promoted for one in verdicts)


def test_a_better_policy_is_promoted() -> None:
    found = estimated(better(4_000, 0.4))
    assert found.verdict == Verdict(True, [])
    assert found.unreliable == []


def test_a_worse_and_an_undecided_policy_are_not_and_the_reason_is_said() -> None:
    worse = estimated(better(4_000, -0.25)).verdict
    assert worse is not None
    assert not worse.promoted
    assert any("earns less" in reason for reason in worse.reasons)
    undecided = estimated(better(300, 0.02)).verdict
    assert undecided is not None
    assert not undecided.promoted
    assert any("no more than" in reason or "not above" in reason for reason in undecided.reasons)


def test_days_until_a_difference_is_decided_are_those_that_decide_it() -> None:
    found = estimated(better(200, 0.03, seed=3), days=2.0).comparisons[0]
    assert not found.decided
    assert found.days is not None
    assert found.days > 0
    needed = 200 * (1 + found.days / 2)
    assert found.smallest * (200 / needed) ** 0.5 == pytest.approx(abs(found.difference))


@pytest.mark.parametrize(
    ("default", "lowest", "highest", "expected"),
    [
        (0.0, 0.0, 1.0, (0, 1)),
        (0.0, 0.2, 0.4, (0, 1)),
        (0.0, -0.1, 0.4, (-1, 1)),
        (-2.0, 0.0, 0.4, (-2, 1)),
        (0.0, 0.0, 30.0, (0, 30)),
    ],
)
def test_the_range_of_rewards(default: float, lowest: float, highest: float, expected: tuple[float, float]) -> None:
    assert reward_range(default, [PolicySums(lowest=lowest, highest=highest), PolicySums()]) == expected


def drawn(likeliest: int, own: float = 500.0) -> Drawn:
    return Drawn(likeliest, total([0.7] * 1_000), total([0.21] * 1_000), total([own]), total([500.0]))


@pytest.mark.parametrize(("given", "passed"), [(drawn(690), True), (drawn(400), False), (drawn(700, 450.0), False)])
def test_a_log_that_contradicts_itself_is_told(given: Drawn, passed: bool) -> None:
    random_policy = PolicySums(n=total([1000.0]), w=total([1000.0]), ww=total([1500.0]))
    found = self_check.check(given, random_policy)
    assert found.passed is passed
    assert len(found.told) == 3
    off = PolicySums(n=total([1000.0]), w=total([1500.0]), ww=total([2500.0]))
    assert not self_check.check(drawn(700), off).passed
