"""The direct method."""

from dataclasses import dataclass

from shared.evaluation.accumulator import Accumulator, exact
from shared.evaluation.event import Event
from shared.loops.exact_sum import ExactSum


@dataclass(slots=True)
class DirectMethod(Accumulator):
    """The mean that the reward model predicts for the policy: as good as the model, and no better."""

    n: ExactSum = exact()
    value: ExactSum = exact()

    def add(self, event: Event) -> None:
        self.n.add(event.decisions)
        self.value.add(event.policy_value * event.decisions)

    def get(self) -> float | None:
        n = float(self.n)
        return float(self.value) / n if n else None
