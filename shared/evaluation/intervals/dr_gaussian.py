"""The interval of the doubly robust estimate."""

from dataclasses import dataclass

from shared.evaluation.accumulator import Accumulator, exact
from shared.evaluation.event import Event
from shared.evaluation.intervals.interval import Interval, normal_quantile, of_mean
from shared.loops.exact_sum import ExactSum


@dataclass(slots=True)
class DrGaussian(Accumulator):
    """The mean of qe + w (r - qa) +- z standard errors."""

    n: ExactSum = exact()
    value: ExactSum = exact()
    squares: ExactSum = exact()

    def add(self, event: Event) -> None:
        value = (event.policy_value + event.weight * (event.reward - event.logged_value)) * event.decisions
        self.n.add(event.decisions)
        self.value.add(value)
        self.squares.add(value * value)

    def get(self, alpha: float = 0.05) -> Interval | None:
        """None for fewer than two events."""
        return of_mean(float(self.n), float(self.value), float(self.squares), normal_quantile(alpha))
