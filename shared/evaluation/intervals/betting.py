"""The betting interval (Waudby-Smith et al. 2022; Karampatziakis et al. 2021): valid at any time, from n = 1."""

import math
from array import array
from collections.abc import Callable

from shared.evaluation.event import Event
from shared.evaluation.intervals.interval import Interval

# Of the largest stake that cannot lose everything, the share that is staked at most.
STAKE = 0.75
PRECISION = 1e-9


class Betting:
    """Two gamblers who bet against every value that the policy could have, by what they saw before each event.

    Their pay-off is x - value with x = w (r - c) + c, where c is what they believe the value to be: its mean is the
    value whatever c is, because the mean of w is 1, and a good c takes the noise of the weights out. A true value makes
    a gambler's capital 2 / alpha with a chance of at most alpha / 2, however often one looks.

    rewards: their range; largest: the true largest weight; ValueError for an event beyond either. horizon: the number
    of events that the stakes are tuned to; without one, they suit every number less well. Events are taken in the order
    of the log, each is kept (24 bytes), and parts cannot be added: the second goes on where the first one ended.
    """

    def __init__(self, rewards: Interval, largest: float, horizon: float | None = None, alpha: float = 0.05) -> None:
        self.rewards, self.largest, self.horizon, self.alpha = rewards, max(1.0, largest), horizon, alpha
        self.pays, self.rises, self.falls = array("d"), array("d"), array("d")
        self.has_drops = False
        self._scale = rewards.width or 1.0
        self._weight, self._earned = 1.0, 0.5
        self._squares = self.largest / 4

    def add(self, event: Event) -> None:
        if event.weight > self.largest * (1 + 1e-9) or not self.rewards.lower <= event.reward <= self.rewards.upper:
            raise ValueError(
                f"weight {event.weight} or reward {event.reward} lies beyond the range that was declared: weights up "
                f"to {self.largest}, rewards {self.rewards.lower} to {self.rewards.upper}"
            )
        self.has_drops = self.has_drops or event.drop > 0
        weight, reward = min(event.weight, self.largest), (event.reward - self.rewards.lower) / self._scale
        belief = self._earned / self._weight
        rise, fall = self._stakes(belief)
        pay = weight * (reward - belief) + belief
        for column, value in ((self.pays, pay), (self.rises, rise), (self.falls, fall)):
            column.append(value)
        self._weight += weight
        self._earned += weight * reward
        self._squares += (pay - belief) ** 2

    def _stakes(self, belief: float) -> tuple[float, float]:
        """On a value above and below, for the next event; any value in [0, 1] leaves some capital."""
        n = len(self.pays) + 1
        events = self.horizon or n * math.log(n + 1)
        stake = math.sqrt(2 * math.log(2 / self.alpha) * n / (self._squares * max(events, 1.0)))
        least, greatest = belief - self.largest * belief, belief + self.largest * (1 - belief)
        return min(stake, STAKE / (1 - least)), min(stake, STAKE / greatest)

    def rejects(self, value: float) -> bool:
        """True if the capital against that value, now, is what a true one reaches with a chance of at most alpha."""
        scaled = (value - self.rewards.lower) / self._scale
        goal = math.log(2 / self.alpha)
        return self._above(scaled) >= goal or self._below(scaled) >= goal

    def _above(self, value: float) -> float:
        return math.fsum(math.log1p(rise * (pay - value)) for rise, pay in zip(self.rises, self.pays, strict=True))

    def _below(self, value: float) -> float:
        return math.fsum(math.log1p(fall * (value - pay)) for fall, pay in zip(self.falls, self.pays, strict=True))

    def get(self) -> Interval | None:
        """The values not rejected now; None without data, and for sub-sampled logs, to which the bound does not apply.

        Either capital changes one way with the value, so each end is found by halving.
        """
        if not self.pays or self.has_drops:
            return None
        goal = math.log(2 / self.alpha)
        lower, upper = _last(lambda value: self._above(value) >= goal), 1 - _last(lambda x: self._below(1 - x) >= goal)
        if lower > upper:  # Both gamblers won: nothing is left but what lies between.
            lower, upper = upper, lower
        return Interval(self.rewards.lower + lower * self._scale, self.rewards.lower + upper * self._scale)


def _last(holds: Callable[[float], bool]) -> float:
    """The greatest value in [0, 1] for which that holds, if it holds up to some value; 0 if it holds nowhere."""
    if not holds(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
