"""A sum of floats without rounding: any order, any cuts and any merging of parts give the same bits."""

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

    def __add__(self, other: "ExactSum") -> "ExactSum":
        return ExactSum(self.units + other.units)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExactSum) and self.units == other.units

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ExactSum({float(self)!r})"

    def __float__(self) -> float:
        """The sum, rounded once to the nearest float; OverflowError beyond the largest one."""
        return self.units / UNITS
