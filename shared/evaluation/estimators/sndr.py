"""The self-normalised doubly robust estimator."""

from dataclasses import dataclass

from shared.evaluation.accumulator import Accumulator, exact
from shared.evaluation.event import Event
from shared.loops.exact_sum import ExactSum


@dataclass(slots=True)
class Sndr(Accumulator):
    """mean qe + sum (w (r - qa)) / sum w; the direct method's value where every weight is 0."""

    n: ExactSum = exact()
    w: ExactSum = exact()
    value: ExactSum = exact()
    correction: ExactSum = exact()

    def add(self, event: Event) -> None:
        self.n.add(event.decisions)
        self.w.add(event.total_weight)
        self.value.add(event.policy_value * event.decisions)
        self.correction.add(event.total_weight * (event.reward - event.logged_value))

    def get(self) -> float | None:
        n, w = float(self.n), float(self.w)
        if not n:
            return None
        return float(self.value) / n + (float(self.correction) / w if w else 0.0)
