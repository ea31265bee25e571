"""When a policy may be promoted: rules that the documented one and an effective sample size do not replace.

Measured on a log that never tried what was worse about a candidate, those two let more than half of the logs promote
it; these let none (docs/decisions/0035-evaluation.md).
"""

import msgspec

from shared.evaluation.accumulator import Extremes
from shared.evaluation.diagnostics import Diagnostics
from shared.evaluation.intervals.interval import Interval
from shared.evaluation.paired import Difference
from shared.loops.exact_sum import ExactSum
from shared.loops.policy_sums import PolicySums

# With fewer events than these, every interval is nearly as wide as the range of rewards.
MOST_UNSURE = 25


class Verdict(msgspec.Struct, frozen=True):
    """promoted: it may replace the policy that served. reasons: what speaks against it, a sentence each."""

    promoted: bool
    reasons: list[str]


class Standing(msgspec.Struct, frozen=True):
    """A policy's value by Cressie-Read, and the lower end of its interval."""

    value: float
    lower: float


def diagnostics(sums: PolicySums) -> Diagnostics:
    """Of the events that sums are made of."""
    rewarded = ExactSum()
    rewarded.add(float(sums.heavy))
    found = Diagnostics(n=sums.n, w=sums.w, ww=sums.ww, second=sums.second, rewarded=rewarded)
    if sums.least is not None and sums.largest is not None and sums.seen is not None:
        found.observed = Extremes(sums.least, sums.seen)
        found.possible = Extremes(sums.least, sums.largest)
    return found


def verdict(candidate: Standing, online: Standing, difference: Difference | None, doubts: list[str]) -> Verdict:
    """On a part of the log that did not choose the candidate. doubts: as of `Diagnostics`."""
    reasons = list(doubts)
    if candidate.value <= online.value:
        reasons.append("Its average is not above that of the policy that served.")
    elif candidate.lower <= online.lower:
        reasons.append("The lower end of its interval is not above that of the policy that served.")
    if difference is None or difference.interval.lower <= 0:
        reasons.append(_undecided(None if difference is None else difference.interval, is_sure=not doubts))
    return Verdict(not reasons, reasons)


def _undecided(interval: Interval | None, *, is_sure: bool) -> str:
    if interval is None:
        return "There are too few events for an interval of the difference."
    if interval.upper < 0 and is_sure:
        return "It earns less than the policy that served: the interval of the difference is below 0."
    return "It may earn no more than the policy that served: the interval of the difference reaches below 0."
