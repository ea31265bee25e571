"""Every scenario keeps what it promises: a known optimum, honest rewards, the same visitors for the same seed."""

import json
from itertools import product
from random import Random

import pytest

from shared.dashboard.demo.cafe import FAVOURITES, TIMES
from simulator.cafe import CAFE, DRINKS
from simulator.scenario import Scenario, Visit
from simulator.scenarios import SCENARIOS
from simulator.travel import TRAVEL

every_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


def visits(scenario: Scenario, seed: int = 1, count: int = 2_000) -> list[Visit]:
    rng = Random(seed)
    return [scenario.visit(rng, t / count) for t in range(count)]


def best_action(visit: Visit) -> str:
    return visit.actions[visit.expected.index(visit.optimal)].id


@every_scenario
def test_a_visit_is_a_valid_rank_request(scenario: Scenario) -> None:
    for visit in visits(scenario, count=100):
        ids = [action.id for action in visit.actions]
        assert 2 <= len(ids) <= 50
        assert len(set(ids)) == len(ids) == len(visit.expected)
        assert all(action.features for action in visit.actions)
        assert visit.context
        json.dumps([visit.context, [action.features for action in visit.actions]], allow_nan=False)


@every_scenario
def test_the_optimum_beats_random_and_every_fixed_action(scenario: Scenario) -> None:
    seen = visits(scenario)
    optimal = sum(visit.optimal for visit in seen)
    uniform = sum(visit.uniform for visit in seen)
    fixed = max(map(sum, zip(*(visit.expected for visit in seen), strict=True)))
    assert all(max(visit.expected) == visit.optimal >= visit.uniform for visit in seen)
    assert fixed - uniform < 0.6 * (optimal - uniform)


@every_scenario
def test_drawn_rewards_have_the_expected_mean(scenario: Scenario) -> None:
    rng = Random(2)
    draws = 20_000
    for expected in {value for visit in visits(scenario, count=10) for value in visit.expected}:
        rewards = [scenario.draw_reward(rng, expected) for _ in range(draws)]
        assert all(-1 <= reward <= 1 for reward in rewards)
        # Five standard errors of a reward in [0, 1], whose variance is at most m (1 - m).
        assert sum(rewards) / draws == pytest.approx(expected, abs=5 * (expected * (1 - expected) / draws) ** 0.5)


@every_scenario
def test_the_same_seed_brings_the_same_visitors(scenario: Scenario) -> None:
    assert visits(scenario, seed=3) == visits(scenario, seed=3)
    assert visits(scenario, seed=3) != visits(scenario, seed=4)


def test_neither_weather_nor_time_alone_tells_the_favourite_drink() -> None:
    seen = visits(CAFE)
    truth = {(visit.context[0]["weather"], visit.context[0]["time"]): best_action(visit) for visit in seen}
    assert truth == {(w, t): FAVOURITES[w][i] for w, (i, t) in product(FAVOURITES, enumerate(TIMES))}
    assert all(len(set(row)) == len(TIMES) for row in FAVOURITES.values())
    assert all(len(set(column)) > 2 for column in zip(*FAVOURITES.values(), strict=True))
    assert {drink for row in FAVOURITES.values() for drink in row} == {drink.id for drink in DRINKS}


def test_preferences_change_half_way_and_for_everybody() -> None:
    def best_by_party(progress: float) -> dict[str, str]:
        rng = Random(5)
        seen = [TRAVEL.visit(rng, progress) for _ in range(200)]
        return {visit.context[0]["party"]: best_action(visit) for visit in seen}

    start, before, after = best_by_party(0.0), best_by_party(0.4999), best_by_party(0.5)
    assert start == before
    assert all(before[party] != after[party] for party in before)


@pytest.mark.parametrize("name", ["cafe", "bookshop", "travel"])
def test_clicks_are_all_or_nothing(name: str) -> None:
    [scenario] = [scenario for scenario in SCENARIOS if scenario.name == name]
    rng = Random(6)
    assert {scenario.draw_reward(rng, 0.5) for _ in range(100)} == {0.0, 1.0}
