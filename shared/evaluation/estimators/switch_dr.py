"""Switch-DR (Wang, Agarwal and Dudik 2017)."""

from dataclasses import dataclass

from shared.evaluation.estimators.doubly_robust import DoublyRobust


@dataclass(slots=True)
class SwitchDr(DoublyRobust):
    """Doubly robust where the weight is at most tau, the reward model alone elsewhere."""

    tau: float = 2.0

    def correction_weight(self, weight: float) -> float:
        return weight if weight <= self.tau else 0.0
