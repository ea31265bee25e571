"""The maximum likelihood estimator (Karampatziakis, Langford and Mineiro 2019)."""

import math
from array import array

from shared.evaluation.event import Event

STEPS = 200


class EmpiricalLikelihood:
    """The value under the most likely weights of the events whose mean is 1.

    It needs every event (24 bytes each). The order matters to no result, and parts can be added.
    """

    def __init__(self) -> None:
        self.weights, self.rewards, self.counts = array("d"), array("d"), array("d")

    def add(self, event: Event) -> None:
        self.weights.append(event.total_weight)
        self.rewards.append(event.reward)
        self.counts.append(event.decisions)

    def __add__(self, other: "EmpiricalLikelihood") -> "EmpiricalLikelihood":
        joined = EmpiricalLikelihood()
        joined.weights, joined.rewards = self.weights + other.weights, self.rewards + other.rewards
        joined.counts = self.counts + other.counts
        return joined

    def get(self, least: float = 0.0, largest: float = math.inf) -> float | None:
        """The value, with the least and largest possible weights, which the observed ones widen."""
        if not self.weights:
            return None
        n = math.fsum(self.counts)
        beta = self._beta(n, min(least, *self.weights, math.inf), max(largest, *self.weights, -math.inf))
        shares = [1 / ((w - 1) * beta + n) for w in self.weights]
        missing = max(0.0, 1 - math.fsum(w * share for w, share in zip(self.weights, shares, strict=True)))
        seen = math.fsum(w * r * s for w, r, s in zip(self.weights, self.rewards, shares, strict=True))
        return seen + missing * math.fsum(self.rewards) / n

    def _slope(self, beta: float, n: float) -> float:
        return math.fsum((w - 1) / ((w - 1) * beta + n) for w in self.weights)

    def _beta(self, n: float, least: float, largest: float) -> float:
        """The root of the slope, which falls with beta; the nearer end if it has none."""
        low, high = self._bracket(n, least, largest)
        if not low < high or self._slope(low, n) <= 0:
            return low
        if self._slope(high, n) >= 0:
            return high
        for _ in range(STEPS):
            middle = (low + high) / 2
            if middle in (low, high):
                break
            if self._slope(middle, n) > 0:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    def _bracket(self, n: float, least: float, largest: float) -> tuple[float, float]:
        low = n / (1 - largest) if 1 < largest < math.inf else 0.0
        high = n / (1 - least) if least < 1 else 0.0
        greatest, smallest = max(self.weights), min(self.weights)
        if greatest > 1:
            low = max(low, (n - 1) / (1 - greatest))
        if smallest < 1:
            high = min(high, (n - 1) / (1 - smallest))
        return low, high
