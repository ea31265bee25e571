"""Values of a feature: counted exactly while they are few, by bucket when they are many, in any order alike."""

import math
import random
from itertools import pairwise

import pytest

from shared.loops import distinct
from shared.loops.feature_values import BUCKETS, LONGEST_TEXT, MOST_TEXTS, FeatureValues, Value, bin_of, short


def of(values: list[Value]) -> FeatureValues:
    made = FeatureValues()
    for value in values:
        made.add([value])
    return made


def test_texts_are_counted_by_what_they_are() -> None:
    made = of(["blue", "red", "blue"])
    assert (made.n, made.texts, made.buckets) == (3, {"blue": 2, "red": 1}, {})
    assert round(distinct.estimate(made.registers)) == 2


def test_of_too_many_texts_none_is_kept() -> None:
    made = of([f"visitor {number}" for number in range(MOST_TEXTS + 1)] * 2)
    assert made.texts == {}
    assert sum(made.buckets.values()) == 2 * (MOST_TEXTS + 1)
    assert set(made.buckets) <= set(range(BUCKETS))
    assert distinct.estimate(made.registers) == pytest.approx(MOST_TEXTS + 1, rel=0.1)


@pytest.mark.parametrize("kinds", [5, MOST_TEXTS, MOST_TEXTS + 1, 300])
def test_parts_merge_to_the_whole_however_they_are_cut(kinds: int) -> None:
    chance = random.Random(kinds)
    values: list[Value] = [chance.choice([f"v{chance.randrange(kinds)}", chance.gauss(0, 50)]) for _ in range(400)]
    whole = of(values).ordered()
    for _ in range(5):
        chance.shuffle(values)
        cuts = [0, *sorted(chance.sample(range(400), 3)), 400]
        parts = [of(values[start:end]) for start, end in pairwise(cuts)]
        made = FeatureValues()
        for part in parts:
            made.merge(part)
        assert made.ordered() == whole


def test_buckets_of_few_texts_are_those_of_many() -> None:
    few, many = of(["a", "b"]), of([f"v{number}" for number in range(100)])
    both = of(["a", "b", *(f"v{number}" for number in range(100))])
    many.merge(few)
    assert many.buckets == both.buckets
    assert sum(few.by_bucket().values()) == 2


def test_a_decision_counts_once_whatever_it_lists() -> None:
    made = FeatureValues()
    made.add(["a", "b", 3.0])
    made.add([])
    assert (made.n, made.texts, made.numbers) == (2, {"a": 1, "b": 1}, {bin_of(3): 1})


def test_a_long_text_is_kept_by_its_digest() -> None:
    text = "x" * (LONGEST_TEXT + 1)
    assert list(of([text]).texts) == [short(text)]
    assert len(short(text)) < LONGEST_TEXT
    assert short(text[:-1]) == text[:-1]


def test_a_text_that_is_forgotten_counts_as_another() -> None:
    made = of(["anna", "ben", "anna"])
    assert made.forget({"anna", "carl"})
    assert (made.n, made.texts) == (3, {"": 2, "ben": 1})
    assert not made.forget({"anna", ""})


def test_bins_are_in_the_order_of_their_numbers() -> None:
    numbers = [-1e300, -5.0, -1.0, -1e-9, 0.0, 1e-9, 0.01, 1.0, 1.1, 1.24, 1.25, 2.0, 18.0, 1e9, 1e300, math.inf]
    places = [bin_of(one) for one in numbers]
    assert places == sorted(places)
    assert bin_of(1.0) == bin_of(1.24) < bin_of(1.25)
    assert bin_of(1e-9) == bin_of(0) == bin_of(-1e-9) == 0


@pytest.mark.parametrize("number", [2.0**-16, 0.3, 1.0, 7.0, 23.0, 1000.0, 1.7e12])
def test_numbers_a_quarter_apart_are_in_different_bins(number: float) -> None:
    assert bin_of(number) < bin_of(number * 1.26)
    assert bin_of(-number) == -bin_of(number)
