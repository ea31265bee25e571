"""Samples of an hour's decisions: bounded, and the same however the hour is cut."""

import random
from itertools import pairwise

import pytest

from shared.hubs.events import key_of
from shared.loops.feature_sample import MOST_DECISIONS, MOST_FEATURES, Sample, few, level_of
from shared.loops.feature_values import Value

Event = tuple[int, dict[str, list[Value]]]


def events(count: int, features: int = 6, names: int = 6) -> list[Event]:
    chance = random.Random(count)
    return [
        (
            key_of(f"e{number}"),
            {f"f{name}": [chance.choice(["a", "b", "c", 1.5])] for name in chance.sample(range(names), features)},
        )
        for number in range(count)
    ]


def of(some: list[Event]) -> Sample:
    made = Sample()
    for key, features in some:
        stratum = made.admit(level_of(key))
        if stratum is not None:
            stratum.add(features)
    for stratum in made.strata.values():
        stratum.trim()
    return made


def cut(some: list[Event], parts: int, chance: random.Random) -> list[list[Event]]:
    mixed = chance.sample(some, len(some))
    ends = [0, *sorted(chance.sample(range(len(some)), parts - 1)), len(some)]
    return [mixed[start:end] for start, end in pairwise(ends)]


@pytest.mark.parametrize("count", [1, MOST_DECISIONS, MOST_DECISIONS + 1, 3000, 20_000])
def test_parts_merge_to_the_sample_of_the_whole(count: int) -> None:
    every, chance = events(count), random.Random(1)
    whole = of(every).ordered()
    assert 0 < whole.n <= MOST_DECISIONS
    assert whole.n == sum(level_of(key) >= whole.level for key, _ in every)
    for parts in range(1, min(count, 4) + 1):
        made = Sample()
        for part in cut(every, parts, chance):
            made.merge(of(part))
        assert made.ordered() == whole


def test_all_decisions_of_a_quiet_hour_are_in_its_sample() -> None:
    made = of(events(MOST_DECISIONS))
    assert (made.level, made.n) == (0, MOST_DECISIONS)


@pytest.mark.parametrize("count", [3000, 20_000])
def test_a_sample_stands_for_its_hour(count: int) -> None:
    made = of(events(count))
    assert made.n > MOST_DECISIONS / 8
    assert made.n * 4**made.level == pytest.approx(count, rel=0.3)


def test_of_many_features_the_same_are_kept_however_the_hour_is_cut() -> None:
    every, chance = events(300, 40, 3 * MOST_FEATURES), random.Random(2)
    whole = of(every).ordered()
    fullest = max(whole.strata.values(), key=lambda stratum: stratum.n)
    assert set(fullest.features) == set(few(f"f{name}" for name in range(3 * MOST_FEATURES)))
    assert fullest.others > 0
    kept = sum(one.n for stratum in whole.strata.values() for one in stratum.features.values())
    assert kept + sum(stratum.others for stratum in whole.strata.values()) == 300 * 40
    made = Sample()
    for part in cut(every, 5, chance):
        made.merge(of(part))
    assert made.ordered() == whole


def test_what_is_forgotten_is_so_in_all_strata() -> None:
    made = of(events(300))
    assert made.forget({"a"})
    texts = {text for stratum in made.strata.values() for one in stratum.features.values() for text in one.texts}
    assert texts == {"", "b", "c"}
