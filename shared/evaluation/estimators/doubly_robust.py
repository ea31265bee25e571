"""The doubly robust estimator."""

from dataclasses import dataclass

from shared.evaluation.accumulator import Accumulator, exact
from shared.evaluation.event import Event
from shared.loops.exact_sum import ExactSum


@dataclass(slots=True)
class DoublyRobust(Accumulator):
    """mean (qe + w (r - qa)): the reward model's value, corrected by what it missed on the logged actions."""

    n: ExactSum = exact()
    value: ExactSum = exact()

    def add(self, event: Event) -> None:
        self.n.add(event.decisions)
        correction = self.correction_weight(event.weight) * (event.reward - event.logged_value)
        self.value.add((event.policy_value + correction) * event.decisions)

    def correction_weight(self, weight: float) -> float:
        return weight

    def get(self) -> float | None:
        n = float(self.n)
        return float(self.value) / n if n else None
