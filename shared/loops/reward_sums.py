"""How the decisions of a loop went since it began: sums that a checkpoint keeps, of which `GET /metrics` tells.

Each run adds its summary, once: see `summary`. The sums are exact, so that it makes no difference where runs are cut.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from shared.loops.exact_sum import ExactSum
from shared.loops.policy_sums import BASELINE, PolicySums, sum_field
from shared.vw.model import UNTRAINED

if TYPE_CHECKING:
    from shared.loops.summary import Summary

# Upper ends of the intervals that delays of rewards are counted in: 1 s to 2 days, the longest wait time.
DELAYS_MS = (1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000, 172_800_000)
NORMAL_95 = 1.96


def has_explored(probabilities: Sequence[float], model: str, mode: str) -> bool:
    """True if the action shown, the first, was not the most probable one.

    Before the first model none is; an apprentice shows the baseline, and LoggingOnly asks no model.
    """
    first = probabilities[0]
    return first < 0.5 and mode == "Online" and model != UNTRAINED and first < max(probabilities)


class Sums(msgspec.Struct, frozen=True):
    """Of the rewards r of decisions with weights w: the sums of w, wr, w^2, w^2 r and w^2 r^2."""

    w: ExactSum = sum_field()
    wr: ExactSum = sum_field()
    ww: ExactSum = sum_field()
    wwr: ExactSum = sum_field()
    wwrr: ExactSum = sum_field()

    def plus(self, more: PolicySums) -> Sums:
        """With the decisions of others."""
        return Sums(*(getattr(self, name) + getattr(more, name) for name in self.__struct_fields__))

    @property
    def mean(self) -> float | None:
        """The average reward (self-normalised inverse propensity score); None without decisions."""
        weight = float(self.w)
        return float(self.wr) / weight if weight else None

    @property
    def interval(self) -> float | None:
        """Half the width of the 95 % interval of the mean, by the delta method; None for fewer than two decisions.

        1.96 sqrt(sum (w (r - mean))^2) / sum w; two decisions count as such if their weights agree (w^2 / ww).
        """
        w, wr, ww, wwr, wwrr = (float(getattr(self, name)) for name in self.__struct_fields__)
        if w * w < 2 * ww or not w:
            return None
        mean = wr / w
        return NORMAL_95 * math.sqrt(max(0.0, wwrr - 2 * mean * wwr + mean * mean * ww)) / w


class Statistics(msgspec.Struct):
    """Decisions that were shown and joined, learned or not, and the delays of their rewards; of several slots, the
    first.

    decisions: their number. explored: of those that did not show the most probable action. online: as they were shown,
    each with weight 1, or the number that it stands for (`PolicySums.n`). baseline: as if the baseline had always been
    shown, by inverse propensity: 1/p where it was, 0 elsewhere. delays: rewards by `DELAYS_MS`, the last member is of
    those beyond; a reward that overtook its rank has delay 0. delay: their sum (ms).
    """

    decisions: int = 0
    explored: int = 0
    online: Sums = Sums()
    baseline: Sums = Sums()
    delays: list[int] = msgspec.field(default_factory=lambda: [0] * (len(DELAYS_MS) + 1))
    delay: int = 0

    def add(self, summary: Summary) -> None:
        """Adds the decisions of a run."""
        self.decisions += summary.fate("shown")
        shown = [hour.slots[0] for hour in summary.hours.values() if 0 in hour.slots]
        self.explored += sum(sum(one.explored.values()) for one in shown)
        self.online = self.online.plus(summary.served())
        self.baseline = self.baseline.plus(summary.total(BASELINE))

    def wait(self, delay: int) -> None:
        """Adds the delay (ms) of a reward that was in time."""
        self.delays[bisect_left(DELAYS_MS, delay)] += 1
        if delay > 0:
            self.delay += delay

    def copy(self) -> Statistics:
        """One of its own, to be added to."""
        return msgspec.structs.replace(self, delays=list(self.delays))


class _EarlierSums(msgspec.Struct):
    w: float = 0.0
    wr: float = 0.0
    ww: float = 0.0
    wwr: float = 0.0
    wwrr: float = 0.0

    def exact(self) -> Sums:
        return Sums(*map(exact, msgspec.structs.astuple(self)))


class EarlierStatistics(msgspec.Struct):
    """What checkpoints before format 5 have: sums of floats, those of `online` in parts."""

    decisions: int = 0
    explored: int = 0
    reward: float = 0.0
    squares: float = 0.0
    baseline: _EarlierSums = msgspec.field(default_factory=_EarlierSums)
    delays: list[int] = msgspec.field(default_factory=lambda: [0] * (len(DELAYS_MS) + 1))
    delay: int = 0
    extra: _EarlierSums = msgspec.field(default_factory=_EarlierSums)

    def now(self) -> Statistics:
        """The same as it is kept now."""
        more, count = self.extra, self.decisions
        online = _EarlierSums(count + more.w, self.reward, count + more.ww, self.reward + more.wwr, self.squares)
        return Statistics(count, self.explored, online.exact(), self.baseline.exact(), self.delays, self.delay)


def exact(value: float) -> ExactSum:
    """The sum of one number."""
    made = ExactSum()
    made.add(value)
    return made
