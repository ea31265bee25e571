"""A sum of floats without rounding: any order, any cuts and any merging of parts give the same bits."""

import functools
import math
from collections.abc import Iterable
from typing import Any

# The exponent of the smallest float above 0: every finite float is a whole number of units of 2^-1074.
UNIT_BITS = 1074
UNITS = 1 << UNIT_BITS


class ExactSum:
    """The sum as a whole number of units of 2^-1074, whose representation is unique."""

    __slots__ = ("units",)

    def __init__(self, units: int = 0) -> None:
        self.units = units

    def add(self, value: float) -> None:
        """Adds a finite number; OverflowError for an infinite one, ValueError for NaN."""
        numerator, denominator = value.as_integer_ratio()
        self.units += numerator << (UNIT_BITS + 1 - denominator.bit_length())

    def extend(self, values: Iterable[float]) -> None:
        """Adds many finite numbers, each at a tenth of what `add` costs; OverflowError, ValueError as there.

        `math.fsum` rounds once. What it has rounded away is the sum of the same numbers without its result.
        """
        left = list(values)
        while part := math.fsum(left):
            self.add(part)
            left.append(-part)

    def __add__(self, other: "ExactSum") -> "ExactSum":
        return ExactSum(self.units + other.units)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExactSum) and self.units == other.units

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ExactSum({float(self)!r})"

    def encode(self) -> str:
        """As text: a whole hexadecimal number without trailing zero bits, and the power of two that it is times."""
        if not self.units:
            return "0"
        zeros = (self.units & -self.units).bit_length() - 1
        return f"{self.units >> zeros:x}p{zeros - UNIT_BITS}"

    @classmethod
    def decode(cls, text: str) -> "ExactSum":
        """The sum that was encoded; ValueError for another text."""
        return cls(_units(text))

    def __float__(self) -> float:
        """The sum, rounded once to the nearest float; OverflowError beyond the largest one."""
        return self.units / UNITS


# The sums of one stretch have many a text in common: three policies count the same events and rewards.
@functools.lru_cache(1_024)
def _units(text: str) -> int:
    number, _, power = text.partition("p")
    return int(number, 16) << _shift(power)


@functools.lru_cache(1_024)
def _shift(power: str) -> int:
    """By how many bits a number times this power of two is more than as many units; ValueError for no such power."""
    shift = int(power or 0) + UNIT_BITS
    if not 0 <= shift <= 3 * UNIT_BITS:
        raise ValueError(f"no sum of floats has 2 to the power of {power[:40]!r}")
    return shift


def to_json(value: Any) -> str:
    """The `enc_hook` of msgspec for structs with exact sums."""
    if isinstance(value, ExactSum):
        return value.encode()
    raise NotImplementedError(f"{type(value).__name__} is not stored")


def from_json(kind: type, value: Any) -> ExactSum:
    """The `dec_hook` of msgspec for structs with exact sums."""
    return ExactSum.decode(value)
