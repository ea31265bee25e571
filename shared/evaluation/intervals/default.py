"""The interval that evaluations show: Cressie-Read with the true largest weight, and its two stand-ins."""

import math
from collections import Counter, defaultdict

from shared.evaluation.estimators.cressie_read import CressieRead
from shared.evaluation.event import Event
from shared.evaluation.intervals.betting import Betting
from shared.evaluation.intervals.cressie_read import cressie_read
from shared.evaluation.intervals.interval import Interval

# With fewer rewards than this other than the commonest one, Cressie-Read covers too seldom, or has no width at all.
# The commonest one is that with the greatest weight: the policy's rewards count, not those of the log.
ENOUGH = 25


class DefaultInterval:
    """Cressie-Read; the betting interval while rewards are rare; a plain mean's where all weights are equal.

    rewards: their range; least, largest: the true possible weights over all actions of all events; horizon: the number
    of events that are to come. Events are taken in the order of the log. Once no reward can be so
    common that the others are rare, what was kept for the betting interval is given up.
    """

    def __init__(
        self,
        rewards: Interval,
        least: float,
        largest: float,
        horizon: float | None = None,
        alpha: float = 0.05,
    ) -> None:
        self.rewards, self.least, self.largest, self.alpha = rewards, least, largest, alpha
        self.events = CressieRead()
        self._betting = Betting(rewards, largest, horizon, alpha) if math.isfinite(largest) else None
        self._counts: Counter[float] = Counter()
        self._weights: defaultdict[float, float] = defaultdict(float)

    def add(self, event: Event) -> None:
        self.events.add(event)
        if self._betting is None:
            return
        self._betting.add(event)
        self._counts[event.reward] += 1
        self._weights[event.reward] += event.weight
        if self._counts.total() - max(self._counts.values()) >= ENOUGH:
            self._betting, self._counts, self._weights = None, Counter(), defaultdict(float)

    def get(self) -> Interval | None:
        """None without data. A sub-sampled log, to which betting does not apply, gets Cressie-Read always."""
        stand_in = self._betting.get() if self._betting and self._is_rare else None
        return stand_in or cressie_read(self.events, self.rewards, self.alpha, self.least, self.largest)

    @property
    def _is_rare(self) -> bool:
        weighed = max(self._weights, key=self._weights.__getitem__, default=0.0)
        return self._counts.total() - self._counts[weighed] < ENOUGH
