"""How many distinct values there were, of which none is kept: HyperLogLog of 1,024 registers, 3 % standard error.

Registers are a dict of those above 0, since most features have few values. Those of two sets merge to those of their
union, whatever the order. The estimate is that of O. Ertl, "New cardinality estimation algorithms for HyperLogLog
sketches" (2017), which needs no correction for small numbers.
"""

import math
from collections import Counter

REGISTERS = 1 << 10
_RANK_BITS = 64 - 10

Registers = dict[int, int]


def add(registers: Registers, key: int) -> None:
    """Adds a value by 64 bits of its hash; one that was added before changes nothing."""
    at, rest = key >> _RANK_BITS, key & ((1 << _RANK_BITS) - 1)
    rank = _RANK_BITS - rest.bit_length() + 1
    if rank > registers.get(at, 0):
        registers[at] = rank


def merge(registers: Registers, other: Registers) -> None:
    """Adds the values of the other."""
    for at, rank in other.items():
        if rank > registers.get(at, 0):
            registers[at] = rank


def estimate(registers: Registers) -> float:
    """The number of distinct values, 0 without any."""
    counts = Counter(registers.values())
    total = REGISTERS * _tau(1 - counts[_RANK_BITS + 1] / REGISTERS)
    for rank in range(_RANK_BITS, 0, -1):
        total = (total + counts[rank]) / 2
    total += REGISTERS * _sigma(1 - len(registers) / REGISTERS)
    return REGISTERS**2 / (2 * math.log(2) * total)


def _sigma(x: float) -> float:
    """x + sum of x^(2^k) 2^(k-1) from k = 1 on; infinite for 1."""
    if x == 1:
        return math.inf
    total, weight, before = x, 1.0, -1.0
    while total != before:
        x, before = x * x, total
        total += x * weight
        weight *= 2
    return total


def _tau(x: float) -> float:
    """(1 - x - sum of (1 - x^(2^-k))^2 2^-k from k = 1 on) / 3."""
    if x in (0, 1):
        return 0.0
    total, weight, before = 1 - x, 1.0, -1.0
    while total != before:
        x, before = math.sqrt(x), total
        weight /= 2
        total -= (1 - x) ** 2 * weight
    return total / 3
