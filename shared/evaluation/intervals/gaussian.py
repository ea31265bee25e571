"""Intervals from the central limit theorem."""

from dataclasses import dataclass

from shared.evaluation.accumulator import Accumulator, exact
from shared.evaluation.event import Event
from shared.evaluation.intervals.interval import Interval, normal_quantile, of_mean
from shared.loops.exact_sum import ExactSum

# Azure Personalizer's evaluations showed intervals of 1.96 standard errors, not of 1.959964.
AZURE = 1.96


@dataclass(slots=True)
class GaussianIps(Accumulator):
    """Of the IPS estimate; too narrow for rare rewards and large weights, and may leave the range of rewards."""

    n: ExactSum = exact()
    wr: ExactSum = exact()
    wwrr: ExactSum = exact()

    def add(self, event: Event) -> None:
        weighted = event.total_weight * event.reward
        self.n.add(event.decisions)
        self.wr.add(weighted)
        self.wwrr.add(weighted * weighted)

    def get(self, alpha: float = 0.05) -> Interval | None:
        """None for fewer than two events."""
        return of_mean(float(self.n), float(self.wr), float(self.wwrr), normal_quantile(alpha))

    def half_width(self) -> float | None:
        """Half the width of the 95 % interval as Azure Personalizer computed it; None for fewer than two events."""
        interval = of_mean(float(self.n), float(self.wr), float(self.wwrr), AZURE)
        return interval.width / 2 if interval else None
