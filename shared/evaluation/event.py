"""One logged decision as the estimators see it."""

import math
from typing import NamedTuple

# Squares of weights and their sums stay far below the largest float.
LARGEST_WEIGHT = 1e100


class Event(NamedTuple):
    """A decision, what it earned, and what the evaluated policy would have done in its place.

    weight: p_eval / p_log of the logged action. reward: what the decision earned. logged_value: the reward model's
    prediction for the logged action. policy_value: its mean over the actions under the evaluated policy. drop: the
    share of decisions that the client dropped before it logged this one, in [0, 1): the event stands for
    1 / (1 - drop) of them.
    """

    weight: float
    reward: float
    logged_value: float = 0.0
    policy_value: float = 0.0
    drop: float = 0.0

    @property
    def decisions(self) -> float:
        """How many decisions it stands for."""
        return 1 / (1 - self.drop)

    @property
    def total_weight(self) -> float:
        """Its weight, times the number of decisions that it stands for."""
        return self.weight / (1 - self.drop)


def weight_of(p_eval: float, p_log: float | None) -> float | None:
    """p_eval / p_log; None if the logged probability is missing, not above 0, or makes no usable weight.

    Such an event is to be skipped and counted: a probability that was clipped would bias every estimate.
    """
    if p_log is None or not p_log > 0:
        return None
    weight = p_eval / p_log
    return weight if math.isfinite(weight) and 0 <= weight <= LARGEST_WEIGHT else None
