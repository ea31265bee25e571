"""Decisions on their way into a summary: each is counted as its definition says, whatever is summed at once."""

import random
from collections import Counter
from fractions import Fraction
from typing import NamedTuple

import pytest

from shared.loops import gathering
from shared.loops.exact_sum import UNITS, ExactSum
from shared.loops.gathering import Gatherer
from shared.loops.hour_sums import Shown
from shared.loops.policy_sums import BASELINE, CERTAIN, ONLINE, RANDOM, PolicySums
from shared.loops.summary import FIVE_MINUTES_MS, HOUR_MS, Summary, encode

DEFAULT = 0.25


class Decision(NamedTuple):
    at: int
    slot: int
    reward: float
    p: list[float]
    numbers: list[int]
    baseline: int
    is_of_model: bool
    count: float


def drawn(seed: int, number: int) -> list[Decision]:
    """Of two hours, with excluded actions, ties, baselines that are not there, and clients that drop some events."""
    chance, made = random.Random(seed), []
    for _ in range(number):
        size = chance.choice([1, 2, 5])
        p = [chance.choice([0.25, chance.random() ** 3 + 1e-6]) for _ in range(size)]
        if size > 2 and chance.random() < 0.3:
            p[chance.randrange(1, size)] = 0.0
        p = [one / sum(p) for one in p] if chance.random() < 0.9 else p
        numbers = chance.sample(range(1, size + 1), size)
        reward = chance.choice([0.0, DEFAULT, 1.0, chance.uniform(-3, 3)])
        baseline, count = chance.choice([1, 1, 1, 9]), chance.choice([1.0, 1.0, 1 / (1 - 0.3)])
        made.append(
            Decision(
                chance.randrange(2 * HOUR_MS), chance.randrange(2), reward, p, numbers, baseline,
                chance.random() < 0.8, count,
            )
        )  # fmt: skip
    return made


def gathered(decisions: list[Decision]) -> Summary:
    gatherer = Gatherer()
    for one in decisions:
        gatherer.show(
            one.at, one.slot, one.reward, one.p, one.numbers, f"action {one.numbers[0]}",
            baseline=one.baseline, is_default=one.reward == DEFAULT, is_of_model=one.is_of_model, count=one.count,
        )  # fmt: skip
    return gatherer.finished()


def possible(decision: Decision, policy: str) -> list[float]:
    """The weight of each action, before the decision stands for several: p_eval / p, 0 where the log has none."""
    size = len(decision.p)
    if policy == ONLINE:
        return [1.0] * size
    if policy == RANDOM:
        return [1 / (size * p) if p else 0.0 for p in decision.p]
    pairs = zip(decision.numbers, decision.p, strict=True)
    return [1 / p if number == decision.baseline and p else 0.0 for number, p in pairs]


def check(sums: PolicySums, decisions: list[Decision], policy: str) -> None:
    """The definitions of `PolicySums`."""
    weights = [possible(one, policy)[0] * one.count for one in decisions]
    pairs = list(zip(weights, decisions, strict=True))
    expected = {
        "n": [one.count for one in decisions],
        "w": weights,
        "ww": [w * w for w in weights],
        "wr": [w * one.reward for w, one in pairs],
        "wwr": [w * w * one.reward for w, one in pairs],
        "wwrr": [(w * one.reward) ** 2 for w, one in pairs],
        "r": [one.count * one.reward for one in decisions],
        "rr": [one.count * one.reward**2 for one in decisions],
        "wrr": [w * one.reward**2 for w, one in pairs],
        "second": [one.count**2 * second(one, policy) for one in decisions],
    }
    for name, values in expected.items():
        assert float(getattr(sums, name)) == pytest.approx(float(sum(map(Fraction, values))), rel=1e-12), name
    assert sums.positive == sum(w > 0 for w in weights)
    assert sums.paid == sum(w > 0 and one.reward != 0 for w, one in pairs)
    heavy = [possible(one, policy)[0] > 2 and one.reward != DEFAULT for one in decisions]
    assert sums.heavy == sum(heavy)
    every = [w * one.count for one in decisions for w in possible(one, policy)]
    rewards = [one.reward for one in decisions]
    assert (sums.lowest, sums.highest) == (min(rewards), max(rewards))
    assert sums.seen == pytest.approx(max(weights))
    assert (sums.least, sums.largest) == (pytest.approx(min(every)), pytest.approx(max(every)))


def second(decision: Decision, policy: str) -> float:
    if policy == ONLINE:
        return 1.0
    return sum(w * w * p for w, p in zip(possible(decision, policy), decision.p, strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_every_sum_is_that_of_its_definition(seed: int) -> None:
    decisions = drawn(seed, 300)
    made = gathered(decisions)
    keys = {(one.at - one.at % FIVE_MINUTES_MS, one.slot) for one in decisions}
    assert {(at, slot) for at, slots in made.stretches.items() for slot in slots} == keys
    for at, slot in keys:
        some = [one for one in decisions if (one.at - one.at % FIVE_MINUTES_MS, one.slot) == (at, slot)]
        for policy in (ONLINE, BASELINE, RANDOM):
            check(made.stretches[at][slot][policy], some, policy)


@pytest.mark.parametrize("seed", range(3))
def test_every_count_of_an_hour_is_that_of_its_definition(seed: int) -> None:
    decisions = drawn(seed, 300)
    for at, hour in gathered(decisions).hours.items():
        for slot, shown in hour.slots.items():
            check_shown(shown, [one for one in decisions if one.slot == slot and at <= one.at < at + HOUR_MS])


def check_shown(shown: Shown, decisions: list[Decision]) -> None:
    def counts(some: list[Decision]) -> dict[str, int]:
        return Counter(f"action {one.numbers[0]}" for one in some)

    assert shown.chosen == counts(decisions)
    assert shown.baseline == counts([one for one in decisions if one.numbers[0] == one.baseline])
    explored = [one for one in decisions if one.is_of_model and one.p[0] < 0.5 and one.p[0] < max(one.p)]
    assert shown.explored == counts(explored)
    assert shown.sizes == Counter(len(one.p) for one in decisions)
    assert sum(shown.rewards.values()) == len(decisions)
    assert shown.rewards.get(5, 0) == sum(0.25 <= one.reward < 0.3 for one in decisions)
    assert shown.rewards.get(-21, 0) == sum(one.reward < -1 for one in decisions)
    assert shown.rewards.get(20, 0) == sum(one.reward >= 1 for one in decisions)
    assert shown.improper == sum(abs(sum(one.p) - 1) > 1e-3 for one in decisions)
    tops = [min(n for n, p in zip(one.numbers, one.p, strict=True) if p == max(one.p)) for one in decisions]
    assert shown.top == sum(top == one.numbers[0] for top, one in zip(tops, decisions, strict=True))
    usual = [one.p[one.numbers.index(one.baseline)] if one.baseline in one.numbers else 0.0 for one in decisions]
    assert shown.baseline_p.units == Fraction(sum(map(Fraction, usual))) * UNITS
    assert float(shown.baseline_pq) == pytest.approx(sum(p * (1 - p) for p in usual))
    assert shown.top_p.units == sum(Fraction(max(one.p)) for one in decisions) * UNITS
    assert float(shown.top_pq) == pytest.approx(sum(max(one.p) * (1 - max(one.p)) for one in decisions))


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_how_many_are_summed_at_once_makes_no_difference(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    decisions = drawn(9, 400)
    whole = encode(gathered(decisions))
    monkeypatch.setattr(gathering, "MOST_ROWS", rows)
    assert encode(gathered(decisions)) == whole
    assert encode(gathered(decisions[::-1])) == whole


def test_what_showed_the_baseline_for_sure_counts_for_it_alone() -> None:
    gatherer = Gatherer()
    gatherer.show_baseline(5, 0, 0.5, 3, "a", 2.0)
    made = gatherer.finished()
    assert list(made.stretches[0][0]) == [CERTAIN]
    assert float(made.total(BASELINE).wr) == float(made.served().wr) == 1.0
    assert float(made.total(ONLINE).n) == float(made.total(RANDOM).n) == 0
    shown = made.hours[0].slots[0]
    assert (shown.chosen, shown.baseline, shown.sizes, shown.rewards) == ({"a": 1}, {}, {3: 1}, {10: 1})


@pytest.mark.parametrize("p", [[], [0.0, 1.0], [float("nan"), 1.0], [-0.1, 1.1], [1e-200, 1.0]])
def test_a_probability_that_makes_no_weight_is_counted_and_nothing_else(p: list[float]) -> None:
    gatherer = Gatherer()
    gatherer.show(0, 0, 1.0, p, [1, 2], "a")
    made = gatherer.finished()
    assert (made.fate("unweighted"), made.stretches) == (1, {})
    assert made.fate("impossible") == (p != [1e-200, 1.0])


@pytest.mark.parametrize("reward", [1e200, -1e200, float("nan"), float("inf")])
def test_a_reward_whose_square_is_no_number_is_counted_and_nothing_else(reward: float) -> None:
    gatherer = Gatherer()
    gatherer.show(0, 0, reward, [1.0], [1], "a")
    gatherer.show_baseline(0, 0, reward, 1, "a")
    made = gatherer.finished()
    assert (made.fate("unweighted"), made.stretches) == (2, {})


def test_the_greatest_weight_and_reward_can_still_be_summed() -> None:
    gatherer = Gatherer()
    for _ in range(100):
        gatherer.show(0, 0, 1e50, [1.1e-100, 1 - 1.1e-100], [1, 2], "a")
    assert float(gatherer.finished().total(BASELINE).wwrr) == pytest.approx(1e302 / 1.21)


def test_numbers_added_at_once_are_the_same_sum() -> None:
    chance, one, many = random.Random(1), ExactSum(), ExactSum()
    values = [chance.uniform(-1, 1) * 10 ** chance.randrange(-300, 300) for _ in range(200)]
    for value in values:
        one.add(value)
    many.extend(values)
    assert many == one
    many.extend([-value for value in values])
    assert many == ExactSum()
