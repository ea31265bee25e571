"""From values to places in a drawing, with round numbers for its axis."""

import math
from typing import NamedTuple


class Scale(NamedTuple):
    """Values `low`..`high` lie at `start`..`end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The place of a value, to a tenth."""
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)

    def within(self, value: float) -> float:
        """The place of a value, or the end that is nearest to it."""
        return self.at(min(max(value, self.low), self.high))


def step(low: float, high: float, most: int) -> float:
    """The least of 1, 2, 2.5 and 5 times a power of ten that divides the range into `most` parts at most."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * one for one in (1, 2, 2.5, 5, 10) if power * one >= raw * 0.999999)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers that cover a range: the first at or below it, the last at or above it."""
    if not high > low:
        low, high = low - 0.5, high + 0.5
    by = step(low, high, most)
    first, last = math.floor(low / by + 1e-9), math.ceil(high / by - 1e-9)
    return [round(number * by, 10) for number in range(first, last + 1)]


def digits(values: list[float]) -> int:
    """How many digits after the point tell the numbers of an axis apart."""
    if len(values) < 2:
        return 2
    by = abs(values[1] - values[0])
    return next(number for number in range(9) if abs(by * 10**number - round(by * 10**number)) < 1e-6)
