"""Inverse propensity scoring."""

from dataclasses import dataclass

from shared.evaluation.accumulator import Accumulator, exact
from shared.evaluation.event import Event
from shared.loops.exact_sum import ExactSum


@dataclass(slots=True)
class Ips(Accumulator):
    """sum w r / n: unbiased wherever the log tried what the policy does; may leave the range of rewards."""

    n: ExactSum = exact()
    wr: ExactSum = exact()

    def add(self, event: Event) -> None:
        self.n.add(event.decisions)
        self.wr.add(event.total_weight * event.reward)

    def get(self) -> float | None:
        n = float(self.n)
        return float(self.wr) / n if n else None
