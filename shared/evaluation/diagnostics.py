"""Whether a log can say anything about a policy."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.evaluation.accumulator import Accumulator, Extremes, exact, extremes
from shared.evaluation.event import Event, weight_of
from shared.loops.exact_sum import ExactSum

# What the gate for promotion asks for.
EFFECTIVE_EVENTS = 50
REWARDED_EVENTS = 25
HEAVY = 2
MEAN_WEIGHTS = 0.9, 1.1


@dataclass(slots=True)
class Diagnostics(Accumulator):
    """Of the events that a policy is judged by, and of the actions that it could have chosen in them.

    possible: the weights of all actions that were possible. second: sum over events and actions of p_eval^2 / p_log.
    unsupported: the policy's probability of actions that the log never takes. rewarded: events with a weight above 2
    whose reward is not the default one. skipped: events whose logged probability was missing or not above 0.
    """

    n: ExactSum = exact()
    w: ExactSum = exact()
    ww: ExactSum = exact()
    second: ExactSum = exact()
    unsupported: ExactSum = exact()
    rewarded: ExactSum = exact()
    skipped: ExactSum = exact()
    observed: Extremes = extremes()
    possible: Extremes = extremes()
    default_reward: float = 0.0

    def add(self, event: Event, p_log: Sequence[float], p_eval: Sequence[float]) -> None:
        """An event, with the probabilities of all its actions, logged and the policy's, in the same order."""
        weight = event.total_weight
        self.n.add(event.decisions)
        self.w.add(weight)
        self.ww.add(weight * weight)
        self.observed.add(weight)
        self.rewarded.add(float(event.weight > HEAVY and event.reward != self.default_reward))
        for logged, evaluated in zip(p_log, p_eval, strict=True):
            possible = weight_of(evaluated, logged)
            if possible is None:
                self.unsupported.add(evaluated * event.decisions)
            else:
                self.possible.add(possible * event.decisions)
                self.second.add(evaluated * possible * event.decisions * event.decisions)

    def skip(self) -> None:
        """An event that cannot be used."""
        self.skipped.add(1.0)

    @property
    def effective(self) -> float | None:
        """The observed effective sample size (sum w)^2 / sum w^2; None where every weight is 0."""
        squares = float(self.ww)
        return float(self.w) ** 2 / squares if squares else None

    @property
    def expected(self) -> float | None:
        """The expected one, n^2 / sum of p_eval^2 / p_log: it sees large weights that are not in the log by chance."""
        second = float(self.second)
        return float(self.n) ** 2 / second if second else None

    @property
    def mean_weight(self) -> float | None:
        """1 but for chance, if the log tried all that the policy does."""
        n = float(self.n)
        return float(self.w) / n if n else None

    @property
    def largest_weight(self) -> float | None:
        """The largest weight seen; the largest possible one is `possible.greatest`."""
        return self.observed.greatest if self.n.units else None

    @property
    def support(self) -> float | None:
        """The share of the policy's choices that the log could have shown, in [0, 1]."""
        n = float(self.n)
        return 1 - float(self.unsupported) / n if n else None

    def doubts(self) -> list[str]:
        """Why the estimates are unreliable, a sentence each; empty if nothing speaks against them."""
        expected, mean, rewarded = self.expected or 0.0, self.mean_weight or 0.0, float(self.rewarded)
        least, greatest = MEAN_WEIGHTS
        found = []
        if expected < EFFECTIVE_EVENTS:
            found.append(f"The log is worth {expected:.1f} expected effective events, fewer than {EFFECTIVE_EVENTS}.")
        if rewarded < REWARDED_EVENTS:
            found.append(
                f"{rewarded:.0f} events with a weight above {HEAVY} had a reward other than the default, fewer than "
                f"{REWARDED_EVENTS}."
            )
        if not least <= mean <= greatest:
            found.append(f"The mean weight is {mean:.3f}, not within {least} to {greatest}.")
        return found
