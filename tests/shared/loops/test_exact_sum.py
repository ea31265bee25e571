"""Sums without rounding."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.loops.exact_sum import ExactSum

FLOATS = st.lists(st.floats(-1e300, 1e300), max_size=20)


def of(values: list[float]) -> ExactSum:
    made = ExactSum()
    for value in values:
        made.add(value)
    return made


@given(values=FLOATS, cut=st.integers(0, 20))
def test_parts_have_the_bits_of_the_whole(values: list[float], cut: int) -> None:
    assert of(values[:cut]) + of(values[cut:]) == of(values) == of(values[::-1])
    assert float(of(values)) == math.fsum(values)


@given(values=FLOATS)
def test_what_was_encoded_is_read_to_the_last_bit(values: list[float]) -> None:
    assert ExactSum.decode(of(values).encode()) == of(values)
    assert of(values).encode() == of(values[::-1]).encode()


@pytest.mark.parametrize("text", ["", "x", "1p99999", "1p-2000"])
def test_another_text_is_no_sum(text: str) -> None:
    with pytest.raises(ValueError, match=r"no sum|invalid literal"):
        ExactSum.decode(text)


def test_the_smallest_floats_count() -> None:
    assert float(of([5e-324, 1e300, -1e300, 5e-324])) == 1e-323


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises((OverflowError, ValueError)):
        ExactSum().add(value)
