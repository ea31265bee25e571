"""A decision as the policies see it that need no model: online, baseline, uniform random."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.evaluation.columns import Weight
from shared.evaluation.event import LARGEST_WEIGHT

# Of a policy that takes for sure what was shown for sure.
SURE = Weight(1.0, 1.0, 1.0, 1.0)
_LEAST = 1 / LARGEST_WEIGHT


class Choice(NamedTuple):
    """A decision that was shown, of several slots one of them, and what it earned.

    p: the logged probabilities of all actions, the chosen one first. baseline: the place of the baseline's action in
    that order. served: False if the baseline was shown whatever the probabilities say, as in Apprentice and
    LoggingOnly: such a decision counts for the baseline alone. drop: the share that the client dropped, in [0, 1).
    """

    reward: float
    p: Sequence[float]
    baseline: int = 0
    is_default: bool = False
    served: bool = True
    drop: float = 0.0


def weights(choice: Choice) -> Iterator[tuple[str, Weight]]:
    """Each policy with its weight.

    Empty if the chosen probability cannot be divided by: it is skipped, never clipped. Actions that the log never takes
    have no weight.
    """
    if not choice.served:
        yield "baseline", SURE
        return
    probabilities = choice.p
    if not probabilities or not _LEAST < probabilities[0] < math.inf:
        return
    yield "online", Weight(1.0, math.fsum(probabilities), 1.0, 1.0)
    yield "baseline", taken(probabilities, choice.baseline)
    share = 1 / len(probabilities)
    if min(probabilities) > _LEAST:
        possible = [share / p for p in probabilities]
    else:
        possible = [share / p if p > _LEAST else 0.0 for p in probabilities]
    yield "random", Weight.of(possible, probabilities)


def taken(probabilities: Sequence[float], place: int) -> Weight:
    """Of a policy that takes the action of this place for sure; it has no weight where the place is -1."""
    p = probabilities[place] if place >= 0 else 0.0
    weight = 1.0 / p if p > _LEAST else 0.0
    is_only = len(probabilities) == 1
    return Weight(weight if place == 0 else 0.0, weight * weight * p, weight if is_only else 0.0, weight)
