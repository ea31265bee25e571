"""Shares of values that change, and those that do not."""

import random
from collections import Counter
from collections.abc import Mapping

import pytest

from shared.monitoring.population_stability import Drift, drift


def drawn(rng: random.Random, number: int, bins: int = 10) -> Counter[int]:
    return Counter(rng.randrange(bins) for _ in range(number))


def found(recent: Mapping[int, int], before: Mapping[int, int]) -> Drift:
    return drift(recent, before, sum(recent.values()), sum(before.values()))


def test_the_same_shares_exceed_chance_about_once_in_a_thousand() -> None:
    rng = random.Random(7)
    many = [found(drawn(rng, 1000), drawn(rng, 1000)) for _ in range(400)]
    assert sum(one.psi > one.by_chance for one in many) <= 4
    assert {one.grade for one in many} == {"ok"}


@pytest.mark.parametrize(("bins", "quantile"), [(2, 10.83), (3, 13.82), (10, 27.88), (22, 46.80)])
def test_chance_is_that_of_the_table_of_chi_squared(bins: int, quantile: float) -> None:
    even = dict.fromkeys(range(bins), 2000)
    assert found(even, even).by_chance / (2 / (2000 * bins)) == pytest.approx(quantile, rel=0.04)


@pytest.mark.parametrize(
    ("share", "grade"), [(500, "ok"), (600, "ok"), (680, "warning"), (800, "critical"), (1000, "critical")]
)
def test_the_grade_follows_the_index(share: int, grade: str) -> None:
    recent = {1: 10 * share, 2: 10_000 - 10 * share}
    assert found(recent, {1: 5000, 2: 5000}).grade == grade


def test_a_value_that_is_new_counts() -> None:
    assert found({1: 2000}, {2: 2000}).grade == "critical"


def test_counts_that_stand_for_fewer_decisions_are_less_sure() -> None:
    recent, before = {1: 100_000, 2: 200_000}, {1: 150_000, 2: 150_000}
    sure, unsure = drift(recent, before, 5_000, 5_000), drift(recent, before, 50, 50)
    assert sure.psi == pytest.approx(unsure.psi, rel=0.1)
    assert (sure.grade, unsure.grade) == ("warning", "ok")


def test_what_days_differ_as_always_is_no_drift() -> None:
    assert found({1: 2000}, {2: 2000})._replace(usual=9.0).grade == "critical"
    assert found({1: 2000}, {2: 2000})._replace(usual=99.0).grade == "ok"
