"""The draw: a pmf and an event id give an action, the same one every time."""

from typing import NamedTuple

import vowpalwabbit

_MASK = 2**64 - 1
# VW's own generator (random_details.h): a 64-bit linear congruence whose high bits are the mantissa of a float32.
_MULTIPLIER, _INCREMENT = 0xEECE66D5DEECE66D, 2147483647

# It hashes alone: the smallest table of weights, and no stock of examples, which would take 8 MB.
_hasher = vowpalwabbit.Workspace("--hash all --bit_precision 1 --ring_size 1 --quiet")


class Ranking(NamedTuple):
    """Indices of actions, the chosen one first, and their probabilities in the same order."""

    order: list[int]
    probabilities: list[float]


def uniform_hash(text: str) -> int:
    """MurmurHash3 x86_32 of the text's UTF-8 bytes, seed 0, as VW computes it: 0 <= hash < 2**32."""
    return int(_hasher.hash_space(text))


def draw(loop_hash: int, event_id: str) -> float:
    """A number in [0, 1) of float32 precision, a function of loop and event id alone (rlclientlib's seed)."""
    bits = (_MULTIPLIER * (uniform_hash(event_id) + loop_hash) + _INCREMENT & _MASK) >> 25 & 0x7FFFFF
    return bits / 2**23


def choose(pmf: list[float], point: float) -> int:
    """The first index whose running sum exceeds `point` of the total, else the last; 0 if nothing is positive.

    pmf: weights, negative ones count as 0. point: the draw, in [0, 1).
    """
    weights = pmf if min(pmf) >= 0 else [max(weight, 0.0) for weight in pmf]
    total = sum(weights)
    if total == 0:
        return 0
    threshold, reached = point * total, 0.0
    for index, weight in enumerate(weights):
        reached += weight
        if reached > threshold:
            return index
    return len(pmf) - 1


def cap_exploration(pmf: list[float], share: float) -> list[float]:
    """The pmf (summing to 1) with at most `share` off its best action; the others keep their proportions."""
    best = max(pmf)
    off_best = 1 - best
    if off_best <= share:
        return pmf
    scale = share / off_best
    capped = [probability * scale for probability in pmf]
    capped[pmf.index(best)] = 1 - share
    return capped


def certain(count: int) -> Ranking:
    """The ranking that keeps the caller's order: its first action, the baseline, for sure."""
    return Ranking(list(range(count)), [1.0] + [0.0] * (count - 1))


def rank(pmf: list[float], point: float) -> Ranking:
    """Draws from the pmf, best first; the drawn action is swapped to the front, the rest stays in order."""
    order = sorted(range(len(pmf)), key=pmf.__getitem__, reverse=True)
    probabilities = [pmf[index] for index in order]
    chosen = choose(probabilities, point)
    order[0], order[chosen] = order[chosen], order[0]
    probabilities[0], probabilities[chosen] = probabilities[chosen], probabilities[0]
    return Ranking(order, probabilities)
