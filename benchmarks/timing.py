"""Timing calls side by side, on a machine that others use too."""

import math
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import TypeVar

Input = TypeVar("Input")


class Side:
    """One of the things compared: a call, the inputs it gets in turn, and the best it has shown so far."""

    def __init__(self, call: Callable[[Input], object], inputs: Sequence[Input]) -> None:
        self._calls = cycle([(call, one) for one in inputs])
        self.best = math.inf

    def block(self, calls: int) -> None:
        """Makes some calls in a row; `best` is the least time per call of any block, in microseconds."""
        begun = time.perf_counter()
        for _ in range(calls):
            call, one = next(self._calls)
            call(one)
        self.best = min(self.best, (time.perf_counter() - begun) / calls * 1e6)


def alternate(sides: Sequence[Side], rounds: int, calls: int) -> None:
    """Lets the sides take turns in short blocks, so that whatever disturbs the machine disturbs all of them."""
    for _ in range(rounds):
        for side in sides:
            side.block(calls)
