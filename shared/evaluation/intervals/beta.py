"""The incomplete beta function, the quantile of F(1, n) that follows from it, and the interval of a share."""

import math

from shared.evaluation.intervals.interval import Interval

TINY = 1e-300
PRECISION = 1e-15
TERMS = 10_000
HALVINGS = 200


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b) for a, b > 0 and x in [0, 1].

    By Lentz's evaluation of its continued fraction (Abramowitz and Stegun 26.5.8).
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(logarithm) * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d, c = 1 / _apart(1 + step * d), _apart(1 + step / c)
            value *= c * d
        if abs(c * d - 1) < PRECISION:
            break
    return value


def _apart(value: float) -> float:
    """The value, kept away from 0: the fraction divides by it."""
    return value if abs(value) > TINY else TINY


def f_quantile(alpha: float, n: float) -> float:
    """The x that F(1, n) exceeds with the chance alpha; n > 0 need not be whole.

    P(F > x) = I_y(n / 2, 1 / 2) with y = n / (n + x), found by bisection in the logarithm of x.
    """
    low, high = -80.0, 80.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if _upper_tail(math.exp(middle), n) > alpha:
            low = middle
        else:
            high = middle
    return math.exp(high)


def _upper_tail(x: float, n: float) -> float:
    """P(F(1, n) > x) from the smaller side, so that neither end of the argument is rounded away."""
    if x < n:
        return 1 - incomplete_beta(0.5, n / 2, x / (n + x))
    return incomplete_beta(n / 2, 0.5, n / (n + x))


def share_interval(successes: float, trials: float, alpha: float = 0.05) -> Interval:
    """The Clopper-Pearson interval of a share; successes, trials: 0 <= successes <= trials, trials > 0."""
    failures = trials - successes
    lower = _beta_quantile(alpha / 2, successes, failures + 1) if successes else 0.0
    upper = _beta_quantile(1 - alpha / 2, successes + 1, failures) if failures else 1.0
    return Interval(lower, upper)


def _beta_quantile(chance: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = chance, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if incomplete_beta(a, b, middle) < chance else (low, middle)
    return (low + high) / 2
