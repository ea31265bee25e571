"""Self-normalised inverse propensity scoring."""

from dataclasses import dataclass

from shared.evaluation.accumulator import Accumulator, exact
from shared.evaluation.event import Event
from shared.loops.exact_sum import ExactSum


@dataclass(slots=True)
class Snips(Accumulator):
    """sum w r / sum w: always within the range of rewards; None also where every weight is 0."""

    w: ExactSum = exact()
    wr: ExactSum = exact()

    def add(self, event: Event) -> None:
        self.w.add(event.total_weight)
        self.wr.add(event.total_weight * event.reward)

    def get(self) -> float | None:
        w = float(self.w)
        return float(self.wr) / w if w else None
