"""The least exploration that a loop's policy gives by design.

With K actions and their probabilities p, e = K^2 / sum(1 / p) is how much a decision says of a policy that shows each
action alike: 1 if all are equally probable, 0 if one of them never comes. Of many decisions, the harmonic mean of e
tells.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.vw.schedule import FIRST, SETTLES, THEN

# Of VW's SquareCB, which gives every action but the best 1 / (K + gamma d), d being by how much worse it is.
USUAL_SCALE, USUAL_EXPONENT = 10.0, 0.5


class Exploring(NamedTuple):
    """share: explorationPercentage, 0..1. is_even: all actions but the best share it, as with `--epsilon`.

    gamma: of SquareCB, the greatest since an instant; None for another policy. edited: when the configuration was
    changed last (ms since 1970): older decisions may have been made otherwise. held: the share of a holdback, whose
    decisions explore nothing.
    """

    share: float = 0.0
    is_even: bool = False
    gamma: float | None = None
    edited: float = 0.0
    held: float = 0.0

    def least(self, sizes: Mapping[int, int], rewards: float) -> float | None:
        """The harmonic mean of the least e over decisions by their numbers of actions, those of one action left out.

        rewards: the greatest reward less the least one. None if the policy may explore nothing, or it is not known.
        """
        counted = {size: count for size, count in sizes.items() if size > 1}
        each = {size: (1 - self.held) * (self._least(size, rewards) or 0.0) for size in counted}
        if not counted or not all(each.values()):
            return None
        return sum(counted.values()) / math.fsum(counted[size] / one for size, one in each.items() if one)

    def _least(self, size: int, rewards: float) -> float | None:
        if self.is_even:
            return self.share * size / (size - 1)
        if self.gamma is None:
            return None
        capped = self.share * (size / (size - 1)) ** 2
        return min(capped, size * size / ((size - 1) * (size + self.gamma * rewards)))


def of(config: LoopConfig, state: Checkpoint, since: float) -> Exploring:
    """How a loop has explored since an instant (ms since 1970)."""
    return _of_policy(config, state, since)._replace(held=config.holdback_share)


def _of_policy(config: LoopConfig, state: Checkpoint, since: float) -> Exploring:
    policy, edited = config.policy.parsed, datetime.fromisoformat(config.edited).timestamp() * 1000
    if policy.epsilon is not None:
        return Exploring(config.exploration, is_even=True, edited=edited)
    options = {option.name: option.value for option in policy.options}
    if "squarecb" not in options:
        return Exploring(config.exploration, edited=edited)
    learned = state.model.learned if state.model is not None and state.model.learned else state.counts.learned
    gamma = float(options.get("gamma_scale") or USUAL_SCALE)
    exponent = float(options.get("gamma_exponent") or USUAL_EXPONENT)
    gamma *= learned**exponent * (_sharpest(state, since) if policy.explores_first else 1.0)
    return Exploring(config.exploration, gamma=gamma, edited=edited)


def _sharpest(state: Checkpoint, since: float) -> float:
    """What gamma has been multiplied with at most: a model that explores anew had settled before."""
    past = state.model.past if state.model is not None else None
    if past is None or not past.experience.schedule.learned:
        return FIRST
    schedule = past.experience.schedule
    age, fall = schedule.learned - schedule.since, schedule.fall
    if fall is not None and fall.at and datetime.fromisoformat(fall.at).timestamp() * 1000 >= since:
        age = schedule.learned
    return (FIRST if age < SETTLES else THEN) * math.sqrt(age / schedule.learned)
