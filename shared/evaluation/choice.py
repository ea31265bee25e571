"""A decision as the policies see it that need no model: online, baseline, uniform random."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.evaluation.event import LARGEST_WEIGHT


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


def weights(choice: Choice) -> Iterator[tuple[str, list[float]]]:
    """Each policy with its weight p_eval / p_log on every action, in the order of the choice.

    Empty if the chosen probability cannot be divided by: it is skipped, never clipped. Actions that the log never takes
    have no weight.
    """
    if not choice.served:
        yield "baseline", [1.0]
        return
    probabilities = choice.p
    if not probabilities or not 1 / LARGEST_WEIGHT < probabilities[0] < math.inf:
        return
    share = 1 / len(probabilities)
    yield "online", [1.0] * len(probabilities)
    baseline = [0.0] * len(probabilities)
    if choice.baseline >= 0:
        baseline[choice.baseline] = _over(1.0, probabilities[choice.baseline])
    yield "baseline", baseline
    possible = min(probabilities) > 1 / LARGEST_WEIGHT
    yield "random", [share / p for p in probabilities] if possible else [_over(share, p) for p in probabilities]


def _over(evaluated: float, logged: float) -> float:
    return evaluated / logged if logged > 1 / LARGEST_WEIGHT else 0.0
