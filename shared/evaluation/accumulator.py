"""What estimators and intervals that can be added have in common."""

from dataclasses import dataclass, field, fields
from typing import Self

from shared.loops.exact_sum import ExactSum


def exact() -> ExactSum:
    """A dataclass field that holds an empty sum."""
    return field(default_factory=ExactSum)


@dataclass(slots=True)
class Extremes:
    """The least and the greatest of the numbers added; inf and -inf without any."""

    least: float = float("inf")
    greatest: float = float("-inf")

    def add(self, value: float) -> None:
        self.least = min(self.least, value)
        self.greatest = max(self.greatest, value)

    def __add__(self, other: "Extremes") -> "Extremes":
        return Extremes(min(self.least, other.least), max(self.greatest, other.greatest))


def extremes() -> Extremes:
    """A dataclass field that holds no number yet."""
    return field(default_factory=Extremes)


@dataclass(slots=True)
class Accumulator:
    """Sums of events; `a + b` is what one accumulator would hold that saw the events of both.

    Fields of other types than sums and extremes are parameters: ValueError if they differ.
    """

    def __add__(self, other: Self) -> Self:
        return type(self)(*(self._joined(other, each.name) for each in fields(self)))

    def _joined(self, other: Self, name: str) -> object:
        mine, theirs = getattr(self, name), getattr(other, name)
        if isinstance(mine, ExactSum | Extremes):
            return mine + theirs
        if mine != theirs:
            raise ValueError(f"accumulators with different {name} cannot be added: {mine} and {theirs}")
        return mine
