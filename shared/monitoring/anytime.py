"""Intervals that hold at any time, however often somebody looks: asymptotic confidence sequences.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence
sequences" (2024), section 2. They are not safe early: see `lift.LEAST_REWARDED`.
"""

import math

# With so many events the interval is narrowest, compared with one that holds at one time only.
TIGHTEST = 5_000
ALPHA = 0.05


def half_width(deviation: float, n: float, alpha: float = ALPHA) -> float:
    """Half of the width of the interval of a mean of n values, which holds at all times with the chance 1 - alpha.

    deviation: the standard deviation of a value.
    """
    ends = -2 * math.log(alpha)
    rho = math.sqrt((ends + math.log(ends + 1)) / TIGHTEST)
    x = n * rho * rho + 1
    return deviation * math.sqrt(2 * x / (n * n * rho * rho) * math.log(math.sqrt(x) / alpha))
