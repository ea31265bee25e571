"""Doubly robust with optimistic shrinkage (Su, Dimakopoulou, Krishnamurthy and Dudik 2020)."""

from dataclasses import dataclass

from shared.evaluation.estimators.doubly_robust import DoublyRobust


@dataclass(slots=True)
class DrOs(DoublyRobust):
    """Doubly robust with weights shrunk to shrinkage w / (w^2 + shrinkage); a shrinkage above 0."""

    shrinkage: float = 10.0

    def correction_weight(self, weight: float) -> float:
        return self.shrinkage * weight / (weight * weight + self.shrinkage)
