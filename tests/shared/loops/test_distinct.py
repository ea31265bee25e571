"""Numbers of distinct values."""

import hashlib

import pytest

from shared.loops import distinct
from shared.loops.distinct import Registers


def key(value: object) -> int:
    return int.from_bytes(hashlib.blake2b(f"visitor {value}".encode(), digest_size=8).digest())


def of(values: range) -> Registers:
    made: Registers = {}
    for value in values:
        distinct.add(made, key(value))
    return made


def test_nothing_is_no_value() -> None:
    assert distinct.estimate({}) == 0


@pytest.mark.parametrize("number", [1, 20, 1000, 2500, 5000, 50_000])
def test_the_estimate_is_within_three_standard_errors(number: int) -> None:
    assert distinct.estimate(of(range(number))) == pytest.approx(number, rel=0.1)


def test_parts_that_overlap_merge_to_the_whole_in_any_order() -> None:
    one, other = of(range(700)), of(range(500, 1500))
    distinct.merge(one, other)
    distinct.merge(other, of(range(700)))
    assert one == other == of(range(1500))


def test_a_repeated_value_changes_nothing() -> None:
    made = of(range(10))
    distinct.add(made, key(3))
    assert made == of(range(10))
