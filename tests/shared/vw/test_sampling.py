"""The draw, against rlclientlib's vectors and a plain MurmurHash3."""

import struct
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.vw.sampling import cap_exploration, choose, draw, rank, uniform_hash

HASHES = {
    "": 0,
    "a": 1009084850,
    "ab": 2613040991,
    "abc": 3017643002,
    "abcd": 1139631978,
    "hello": 613153351,
    "event_id": 1209832024,
    "sample-loop": 4190170235,
    "é": 269551495,
    "日本語": 2779017879,
}
DRAWS = [
    ("sample-loop", "event_id", 0.5212620496749878),
    ("", "event_id", 0.3334975242614746),
    ("sample-loop", "032575ce-fc7a-4837-a8bb-517012c980f8", 0.6026196479797363),
    ("", "0", 0.1518995761871338),
    ("app", "0", 0.1680210828781128),
    ("app", "1", 0.8761296272277832),
    ("app", "2", 0.691353440284729),
    ("app", "a", 0.9824838638305664),
    ("app", "é", 0.7036771774291992),
    ("my-loop", "11111111-2222-3333-4444-555555555555", 0.4544576406478882),
]
CHOICES = [
    ("sample-loop", "event_id", [0.85, 0.05, 0.05, 0.05], 0),
    ("sample-loop", "event_id", [0.25] * 4, 2),
    ("sample-loop", "event_id", [0.05, 0.05, 0.85, 0.05], 2),
    ("", "event_id", [0.25] * 4, 1),
    ("sample-loop", "032575ce-fc7a-4837-a8bb-517012c980f8", [0.2] * 5, 3),
    ("sample-loop", "032575ce-fc7a-4837-a8bb-517012c980f8", [0.84, 0.04, 0.04, 0.04, 0.04], 0),
    ("app", "0", [-1, 0.5, 0.5], 1),
    ("app", "1", [0, 0, 0], 0),
    ("app", "2", [2, 1, 1], 1),
]

points = st.floats(0, 1, exclude_max=True, width=32)
pmfs = st.lists(st.floats(0, 1), min_size=1, max_size=50).filter(lambda weights: sum(weights) > 1e-3)


def normalised(weights: list[float]) -> list[float]:
    return [weight / sum(weights) for weight in weights]


def murmur3_x86_32(data: bytes) -> int:
    """The reference algorithm, seed 0, written for clarity."""

    def rotated(value: int, by: int) -> int:
        return (value << by | value >> 32 - by) & 0xFFFFFFFF

    def scrambled(block: int) -> int:
        return rotated(block * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF

    whole = len(data) // 4 * 4
    state = 0
    for (block,) in struct.iter_unpack("<I", data[:whole]):
        state = (rotated(state ^ scrambled(block), 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    state ^= scrambled(int.from_bytes(data[whole:], "little")) ^ len(data)
    state = (state ^ state >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    state = (state ^ state >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return state ^ state >> 16


@pytest.mark.parametrize(("text", "expected"), HASHES.items())
def test_hash_of_known_texts(text: str, expected: int) -> None:
    assert uniform_hash(text) == expected


@given(st.text())
def test_hash_is_murmur3(text: str) -> None:
    assert uniform_hash(text) == murmur3_x86_32(text.encode())


@pytest.mark.parametrize("text", ["a\0b", "\0", "a ", " a", "a\t", "12", "-1", "0012", "a:b|c", "\n", "x" * 300])
def test_hash_of_texts_that_vw_might_read_otherwise(text: str) -> None:
    assert uniform_hash(text) == murmur3_x86_32(text.encode())


@pytest.mark.parametrize(("loop", "event_id", "expected"), DRAWS)
def test_known_draws(loop: str, event_id: str, expected: float) -> None:
    assert draw(uniform_hash(loop), event_id) == expected


@pytest.mark.parametrize(("loop", "event_id", "pmf", "expected"), CHOICES)
def test_known_choices(loop: str, event_id: str, pmf: list[float], expected: int) -> None:
    assert choose(pmf, draw(uniform_hash(loop), event_id)) == expected


@given(st.text(), st.integers(0, 2**32 - 1))
def test_a_draw_is_a_float32_in_the_unit_interval(event_id: str, loop_hash: int) -> None:
    point = draw(loop_hash, event_id)
    assert 0 <= point < 1
    assert struct.unpack("<f", struct.pack("<f", point))[0] == point


def test_draws_of_sequential_ids_are_uniform() -> None:
    drawn = [draw(uniform_hash("loop"), str(number)) for number in range(100_000)]
    assert sum(drawn) / len(drawn) == pytest.approx(0.5, abs=0.003)
    buckets = Counter(int(point * 20) for point in drawn)
    # Each bucket is binomial with mean 5,000 and standard deviation 69.
    assert all(abs(buckets[index] - 5_000) < 5 * 69 for index in range(20))


def test_actions_are_chosen_as_often_as_their_probability_says() -> None:
    pmf = [0.5, 0.3, 0.15, 0.05]
    chosen = Counter(rank(pmf, draw(7, str(number))).order[0] for number in range(20_000))
    for index, probability in enumerate(pmf):
        assert chosen[index] / 20_000 == pytest.approx(probability, abs=0.015)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=50), points)
def test_what_is_chosen_is_possible(pmf: list[float], point: float) -> None:
    chosen = choose(pmf, point)
    assert 0 <= chosen < len(pmf)
    if any(weight > 0 for weight in pmf[:-1]):
        assert pmf[chosen] > 0 or chosen == len(pmf) - 1


@given(pmfs, points)
def test_a_ranking_is_best_first_but_for_one_swap(weights: list[float], point: float) -> None:
    pmf = normalised(weights)
    order, probabilities = rank(pmf, point)
    assert sorted(order) == list(range(len(pmf)))
    assert probabilities == [pmf[index] for index in order]
    assert probabilities[0] > 0
    best = sorted(pmf, reverse=True)
    chosen = choose(best, point)
    best[0], best[chosen] = best[chosen], best[0]
    assert probabilities == best


@given(pmfs, st.floats(0, 1))
def test_capped_exploration(weights: list[float], share: float) -> None:
    pmf = normalised(weights)
    capped = cap_exploration(pmf, share)
    best = pmf.index(max(pmf))
    others = [probability for index, probability in enumerate(capped) if index != best]
    assert sum(capped) == pytest.approx(1)
    assert sum(others) <= share + 1e-9
    if sum(pmf) - pmf[best] <= share - 1e-9:
        assert capped == pmf
    for index, probability in enumerate(capped):
        if index != best:
            assert probability * (1 - pmf[best]) == pytest.approx(pmf[index] * sum(others), abs=1e-9)


@pytest.mark.parametrize(
    ("pmf", "share", "expected"),
    [
        ([0.25, 0.25, 0.25, 0.25], 0.2, [0.8, 0.2 / 3, 0.2 / 3, 0.2 / 3]),
        ([0.1, 0.6, 0.3], 0.2, [0.05, 0.8, 0.15]),
        ([0.1, 0.6, 0.3], 0, [0, 1, 0]),
        ([0.1, 0.6, 0.3], 1, [0.1, 0.6, 0.3]),
        ([1.0], 0, [1.0]),
    ],
)
def test_capped_exploration_by_example(pmf: list[float], share: float, expected: list[float]) -> None:
    assert cap_exploration(pmf, share) == pytest.approx(expected)
