"""Whether a log is what it says: if not, nothing that is estimated from it can be trusted."""

import math

import msgspec

from shared.evaluation.part import Drawn
from shared.loops.policy_sums import PolicySums

# Standard errors beyond which chance explains a deviation in one of 15,000 logs.
MOST_ERRORS = 4.0
ROUNDING = 1e-3


class SelfCheck(msgspec.Struct, frozen=True):
    """passed: nothing contradicts the log. told: what was looked at, a sentence each."""

    passed: bool
    told: list[str]


def check(drawn: Drawn, random: PolicySums, *, has_own: bool = True) -> SelfCheck:
    """drawn: of all events; random: of the uniform policy, whose weights have the mean 1 if probabilities are true.

    has_own: lines say the chosen probability twice, so that the two can be compared.
    """
    n = float(random.n)
    if not n:
        return SelfCheck(False, ["There is no event to check."])
    found = [*([_measured(drawn)] if has_own else []), _likeliest(drawn, n), _mean_weight(random, n)]
    return SelfCheck(all(passed for passed, _ in found), [sentence for _, sentence in found])


def _measured(drawn: Drawn) -> tuple[bool, str]:
    own, measured = float(drawn.own), float(drawn.measured)
    passed = abs(own - measured) <= ROUNDING * max(abs(measured), 1.0)
    agree = "equals" if passed else "does not equal"
    return passed, f"The logging policy's own estimate, {own:,.1f} in all, {agree} what was measured, {measured:,.1f}."


def _likeliest(drawn: Drawn, n: float) -> tuple[bool, str]:
    expected, spread = float(drawn.expected), math.sqrt(float(drawn.variance))
    errors = abs(drawn.likeliest - expected) / spread if spread else 0.0
    passed = errors <= MOST_ERRORS
    seen = f"The likeliest action was taken in {drawn.likeliest:,} events, by its probabilities in {expected:,.1f}"
    return passed, f"{seen}: {_deviation(errors, passed)}"


def _mean_weight(random: PolicySums, n: float) -> tuple[bool, str]:
    mean = float(random.w) / n
    spread = math.sqrt(max(0.0, float(random.ww) / n - mean * mean) / n)
    errors = abs(mean - 1) / spread if spread > ROUNDING * ROUNDING else 0.0
    passed = errors <= MOST_ERRORS
    return (
        passed,
        f"The mean weight of the uniform policy is {mean:.3f}, 1 if all is well: {_deviation(errors, passed)}",
    )


def _deviation(errors: float, passed: bool) -> str:
    return f"{errors:.1f} standard errors, {'as by chance' if passed else 'more than chance explains'}."
