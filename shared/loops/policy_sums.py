"""The sums from which a policy that needs no model of its own is evaluated: online, baseline, uniform random."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from shared.loops.exact_sum import ExactSum

# Events with a larger weight say something that the logging policy seldom shows.
HEAVY = 2
# Squares of larger weights would leave the range of floats.
LARGEST_WEIGHT = 1e100


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


def _sum() -> ExactSum:
    return msgspec.field(default_factory=ExactSum)


class PolicySums(msgspec.Struct):
    """Of the events with weights w and rewards r, sums by name: wwr is that of w^2 r, wrr that of w r^2.

    second: sum over events and actions of p_eval^2 / p_log. positive: events with w > 0. heavy: those with w > 2 whose
    reward is not the default one. least, largest: the possible weights; seen: the largest one of a chosen action.
    lowest, highest: the range of the rewards. The last five are None without events.
    """

    n: ExactSum = _sum()
    w: ExactSum = _sum()
    ww: ExactSum = _sum()
    wr: ExactSum = _sum()
    wwr: ExactSum = _sum()
    wwrr: ExactSum = _sum()
    r: ExactSum = _sum()
    rr: ExactSum = _sum()
    wrr: ExactSum = _sum()
    second: ExactSum = _sum()
    positive: int = 0
    heavy: int = 0
    least: float | None = None
    largest: float | None = None
    seen: float | None = None
    lowest: float | None = None
    highest: float | None = None

    def add(self, choice: Choice, possible: Sequence[float]) -> None:
        """possible: the weight of each action, the chosen one's first."""
        count, reward = 1 / (1 - choice.drop), choice.reward
        weight, square = possible[0] * count, (possible[0] * count) ** 2
        logged = choice.p if choice.served else (1.0,)
        self.n.add(count)
        self.w.add(weight)
        self.ww.add(square)
        self.wr.add(weight * reward)
        self.wwr.add(square * reward)
        self.wwrr.add((weight * reward) ** 2)
        self.r.add(count * reward)
        self.rr.add(count * reward * reward)
        self.wrr.add(weight * reward * reward)
        self.second.add(math.fsum(w * w * p for w, p in zip(possible, logged, strict=True)) * count * count)
        self.positive += weight > 0
        self.heavy += possible[0] > HEAVY and not choice.is_default
        self._widen(min(possible) * count, max(possible) * count, weight, reward, reward)

    def merge(self, other: "PolicySums") -> None:
        """Adds the events of the other."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.positive += other.positive
        self.heavy += other.heavy
        self._widen(other.least, other.largest, other.seen, other.lowest, other.highest)

    def _widen(
        self,
        least: float | None,
        largest: float | None,
        seen: float | None,
        lowest: float | None,
        highest: float | None,
    ) -> None:
        self.least, self.lowest = _extreme(min, self.least, least), _extreme(min, self.lowest, lowest)
        self.largest, self.seen = _extreme(max, self.largest, largest), _extreme(max, self.seen, seen)
        self.highest = _extreme(max, self.highest, highest)


def _extreme(choose: Callable[..., float | None], *values: float | None) -> float | None:
    return choose((value for value in values if value is not None), default=None)


_SUMS = [field.name for field in msgspec.structs.fields(PolicySums) if field.type is ExactSum]
