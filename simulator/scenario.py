"""What every scenario offers: visits whose expected reward is known for every action."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

Features = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be shown, as in a Rank request."""

    id: str
    features: list[Features]


@dataclass(frozen=True, slots=True)
class Visit:
    """One Rank request, with the truth the service does not see: `expected[i]` is the mean reward of `actions[i]`."""

    context: list[Features]
    actions: list[Action]
    expected: list[float]

    @property
    def optimal(self) -> float:
        """Expected reward of always choosing the best action."""
        return max(self.expected)

    @property
    def uniform(self) -> float:
        """Expected reward of choosing at random."""
        return math.fsum(self.expected) / len(self.expected)


def click(rng: Random, expected: float) -> float:
    """1 with probability `expected`, otherwise 0."""
    return float(rng.random() < expected)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story with a known optimum.

    `visit(rng, progress)` makes the next visit; `progress`, in [0, 1), is the share of the run that has passed.
    `draw_reward(rng, expected)` draws a reward in [-1, 1] whose mean is `expected`. `delay`: visits after which it is
    known; `missing`: the share of rewards that never come, and are taken to be 0.
    """

    name: str
    story: str
    visit: Callable[[Random, float], Visit]
    draw_reward: Callable[[Random, float], float] = click
    delay: int = 300
    missing: float = 0.0
