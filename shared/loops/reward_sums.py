"""How the decisions of a loop went: sums that a checkpoint keeps, from which averages and their intervals follow.

Events are added one by one in the order of the log, whatever the runs they are joined in: so the sums of a run that is
repeated, or cut elsewhere, are the same to the last bit.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from shared.hubs.events import Interaction
from shared.vw.context_limits import LEAST_PROBABILITY
from shared.vw.model import UNTRAINED

# Upper ends of the intervals that delays of rewards are counted in: 1 s to 2 days, the longest wait time.
DELAYS_MS = (1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000, 172_800_000)
NORMAL_95 = 1.96


def has_explored(probabilities: Sequence[float], model: str, mode: str) -> bool:
    """True if the action shown, the first, was not the most probable one.

    Before the first model none is; an apprentice shows the baseline, and LoggingOnly asks no model.
    """
    first = probabilities[0]
    return first < 0.5 and mode == "Online" and model != UNTRAINED and first < max(probabilities)


class Sums(msgspec.Struct):
    """Of the rewards r of decisions with weights w: the sums of w, wr, w^2, w^2 r and w^2 r^2."""

    w: float = 0.0
    wr: float = 0.0
    ww: float = 0.0
    wwr: float = 0.0
    wwrr: float = 0.0

    def add(self, reward: float, weight: float) -> None:
        weighted, square = weight * reward, weight * weight
        self.w += weight
        self.wr += weighted
        self.ww += square
        self.wwr += square * reward
        self.wwrr += weighted * weighted

    @property
    def mean(self) -> float | None:
        """The average reward (self-normalised inverse propensity score); None without decisions."""
        return self.wr / self.w if self.w else None

    @property
    def interval(self) -> float | None:
        """Half the width of the 95 % interval of the mean, by the delta method; None for fewer than two decisions.

        1.96 sqrt(sum (w (r - mean))^2) / sum w; two decisions count as such if their weights agree (w^2 / ww).
        """
        if self.w * self.w < 2 * self.ww or not self.w:
            return None
        mean = self.wr / self.w
        return NORMAL_95 * math.sqrt(max(0.0, self.wwrr - 2 * mean * self.wwr + mean * mean * self.ww)) / self.w


class Statistics(msgspec.Struct):
    """Decisions that were shown and joined, learned or not, and the delays of their rewards.

    decisions: their number. explored: of those that did not show the most probable action. reward, squares: sums of
    the rewards and of their squares. baseline: as if the baseline had always been shown, by inverse propensity: 1/p
    where it was, 0 elsewhere. delays: rewards by `DELAYS_MS`, the last member is of those beyond; a reward that
    overtook its rank has delay 0. delay: their sum (ms).
    A decision of a client that drops some stands for 1 / (1 - drop) of them, as in VW: that weighs in the sums, not in
    the numbers. extra: what these weights add to the sums w, ww and wwr of weights of 1.
    """

    decisions: int = 0
    explored: int = 0
    reward: float = 0.0
    squares: float = 0.0
    baseline: Sums = msgspec.field(default_factory=Sums)
    delays: list[int] = msgspec.field(default_factory=lambda: [0] * (len(DELAYS_MS) + 1))
    delay: int = 0
    extra: Sums = msgspec.field(default_factory=Sums)

    def show(self, decision: Interaction, reward: float) -> None:
        """Adds a decision, of several slots by the first one, and what it earned. An apprentice shows the baseline."""
        first, usual = (decision.slots[0], decision.ba[0] if decision.ba else None) if decision.slots else (decision, 1)
        probability, baseline = first.p[0], first.a[0] == usual
        if decision.mode == "Apprentice":
            probability, baseline = 1.0, True
        weight = 1 / (1 - decision.drop) if decision.drop else 1.0
        weighted = weight * reward
        self.explored += has_explored(first.p, decision.model, decision.mode)
        self.decisions += 1
        self.reward += weighted
        self.squares += weighted * weighted
        if weight != 1:
            self.extra.w += weight - 1
            self.extra.ww += weight * weight - 1
            self.extra.wwr += (weight - 1) * weighted
        if baseline:
            self.baseline.add(reward, weight / max(probability, LEAST_PROBABILITY))

    @property
    def is_finite(self) -> bool:
        """False once a sum has overflowed; JSON has no number for that."""
        return math.isfinite(self.squares) and math.isfinite(self.baseline.wwrr)

    @property
    def online(self) -> Sums:
        """Of what was shown, each with weight 1, or what a client that drops some makes of it."""
        extra = self.extra
        return Sums(
            self.decisions + extra.w, self.reward, self.decisions + extra.ww, self.reward + extra.wwr, self.squares
        )

    def wait(self, delay: int) -> None:
        """Adds the delay (ms) of a reward that was in time."""
        self.delays[bisect_left(DELAYS_MS, delay)] += 1
        if delay > 0:
            self.delay += delay

    def copy(self) -> "Statistics":
        """One of its own, to be added to."""
        return msgspec.convert(msgspec.to_builtins(self), Statistics)
