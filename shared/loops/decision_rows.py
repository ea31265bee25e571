"""Rows of decisions, and what many of them come to: columns are summed at a tenth of what sums by row would cost."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import compress
from operator import mul, not_, truediv
from typing import NamedTuple

from shared.hubs.events import Assignment
from shared.loops import arm_sums
from shared.loops.hour_sums import Shown, add, bin_of
from shared.loops.policy_sums import BASELINE, CERTAIN, HEAVY, ONLINE, RANDOM, PolicySums
from shared.loops.summary import Summary

# Smaller probabilities make no weight: its square would leave the range of floats.
LEAST = 1e-100

Row = tuple[float, float, int, float, float, float, float, float, bool, bool, bool, bool, bool, bool, str]
# Of a decision that showed the baseline for sure: count, reward, size, chosen.
CertainRow = tuple[float, float, int, str]


class _Columns(NamedTuple):
    """Of decisions made by probabilities p, the members of a `Row` in order.

    counts: of how many decisions each stands for. sizes: numbers of actions. inverses: sums of 1 / p. shown, usual: p
    of the chosen action and of the baseline, 0 if that is not there. most, least: the greatest p and the least one
    above 0; whole: there is none of 0. top: the most probable action was chosen. is_usual: the baseline was.
    """

    counts: list[float]
    rewards: list[float]
    sizes: list[int]
    inverses: list[float]
    shown: list[float]
    usual: list[float]
    most: list[float]
    least: list[float]
    whole: list[bool]
    top: list[bool]
    is_usual: list[bool]
    is_default: list[bool]
    improper: list[bool]
    explored: list[bool]
    chosen: list[str]


def row(
    count: float, reward: float, p: Sequence[float], numbers: Sequence[int], baseline: int, is_of_model: bool,
    is_default: bool, chosen: str,
) -> Row:  # fmt: skip
    """A decision with the probabilities of its actions, the chosen one first, which is above LEAST.

    numbers: of the actions; baseline: the baseline's, which may be none of them. is_of_model: a model has made p.
    """
    first, most, least, whole = p[0], max(p), min(p), True
    number = numbers[0]
    if most == least:
        inverses, top = len(p) * (1 / most), number == min(numbers)  # what `fsum` makes of equal numbers
    else:
        if least <= LEAST:
            whole, positive = False, [one for one in p if one > LEAST]
            least, inverses = min(positive), math.fsum([1 / one for one in positive])
        else:
            inverses = math.fsum([1 / one for one in p])
        top = first == most and (p.count(most) == 1 or number == _lowest(p, numbers, most))
    is_usual = number == baseline
    usual = first if is_usual else p[numbers.index(baseline)] if baseline in numbers else 0.0
    return (
        count, reward, len(p), inverses, first, usual, most, least, whole, top,
        is_usual, is_default, not 0.999 < sum(p) < 1.001, is_of_model and first < 0.5 and first < most, chosen,
    )  # fmt: skip


def _lowest(p: Sequence[float], numbers: Sequence[int], most: float) -> int:
    return min(number for number, one in zip(numbers, p, strict=True) if one == most)


def sum_rows(summary: Summary, at: int, slot: int, rows: Sequence[Row]) -> None:
    """Adds decisions of one stretch, which begins at `at` (ms since 1970)."""
    columns = _Columns(*map(list, zip(*rows, strict=True)))
    online = _weighed(columns.counts, columns.rewards, columns.counts)
    online.least, online.largest, online.second = min(columns.counts), online.seen, online.ww
    for policy, sums in ((ONLINE, online), (BASELINE, _baseline(columns, online)), (RANDOM, _random(columns, online))):
        summary.sums(at, slot, policy).merge(sums)
    _show(summary.hour(at).slots.setdefault(slot, Shown()), columns)


def sum_arm(
    shown: Shown, assignment: Assignment, share: float, reward: float, p: Sequence[float], numbers: Sequence[int],
    baseline: int,
) -> None:  # fmt: skip
    """Adds what a decision earned to its arm, and has the sums of p say what is expected in that arm.

    One key may decide about many events, which are then not independent of each other; in their arm they are.
    share: of the arm `baseline`, given what the slots before show.
    """
    arm_sums.of(shown.arms, assignment.window, assignment.arm, assignment.bucket).add(reward)
    is_certain = assignment.arm == "baseline" or share >= 1
    logged = dict(zip(numbers, p, strict=False))
    usual = shown.baseline_p, shown.baseline_pq, baseline
    top = shown.top_p, shown.top_pq, _lowest(p, numbers, max(p))
    for expected, spread, number in (usual, top):
        both, held = logged.get(number, 0.0), float(number == baseline and number in logged)
        own = held if is_certain else (both - share * held) / (1 - share)
        expected.add(own - both)
        spread.add(own * (1 - own) - both * (1 - both))


def sum_certain(summary: Summary, at: int, slot: int, rows: Sequence[CertainRow]) -> None:
    """Adds decisions that showed the baseline for sure."""
    counts, rewards, sizes, chosen = map(list, zip(*rows, strict=True))
    sums = _weighed(counts, rewards, counts)
    sums.least, sums.largest, sums.second = min(counts), sums.seen, sums.ww
    summary.sums(at, slot, CERTAIN).merge(sums)
    _count(summary.hour(at).slots.setdefault(slot, Shown()), chosen, rewards, sizes)


def _baseline(columns: _Columns, online: PolicySums) -> PolicySums:
    """Its weight is 1 / p where it was chosen; it might have been wherever its p is above 0."""
    possible = [
        count / usual if usual > LEAST else 0.0 for count, usual in zip(columns.counts, columns.usual, strict=True)
    ]
    weights = list(compress(possible, columns.is_usual))
    rewards = list(compress(columns.rewards, columns.is_usual))
    sums = _weighed(weights, rewards, columns.counts, online)
    sums.least = min(possible) if max(columns.sizes) == 1 else 0.0  # it may have shown one of several others
    sums.largest = max(possible)
    sums.second.extend(map(mul, columns.counts, possible))
    shown, defaults = (list(compress(one, columns.is_usual)) for one in (columns.shown, columns.is_default))
    sums.heavy = sum(1 / p > HEAVY and not default for p, default in zip(shown, defaults, strict=True))
    return sums


def _random(columns: _Columns, online: PolicySums) -> PolicySums:
    """Its weight is 1 / (K p) with K actions."""
    counts, sizes = columns.counts, columns.sizes
    inverses = list(map(mul, sizes, columns.shown))
    weights = list(map(truediv, counts, inverses))
    sums = _weighed(weights, columns.rewards, counts, online)
    sums.least = min(map(truediv, counts, map(mul, sizes, columns.most))) if all(columns.whole) else 0.0
    sums.largest = max(map(truediv, counts, map(mul, sizes, columns.least)))
    seconds = map(mul, map(mul, counts, counts), columns.inverses)
    sums.second.extend(map(truediv, seconds, map(mul, sizes, sizes)))
    sums.heavy = sum([1 / one > HEAVY for one in compress(inverses, map(not_, columns.is_default))])
    return sums


def _weighed(
    weights: list[float], rewards: list[float], counts: list[float], online: PolicySums | None = None
) -> PolicySums:  # fmt: skip
    """The sums of decisions with weights and rewards, among all with counts; those of all are in `online` as well."""
    sums = PolicySums(positive=len(weights), seen=max(weights, default=0.0))
    paid, amounts = list(compress(weights, rewards)), list(filter(None, rewards))
    sums.paid = len(paid)
    weighted = list(map(mul, paid, amounts))
    sums.w.extend(weights)
    sums.wr.extend(weighted)
    sums.wrr.extend(map(mul, weighted, amounts))
    if online is None and counts.count(1.0) == len(counts):
        sums.ww, sums.wwr, sums.wwrr = sums.w, sums.wr, sums.wrr
    else:
        sums.ww.extend(map(mul, weights, weights))
        sums.wwr.extend(map(mul, map(mul, paid, paid), amounts))
        sums.wwrr.extend(map(mul, weighted, weighted))
    if online is None:
        sums.n, sums.r, sums.rr, sums.lowest, sums.highest = sums.w, sums.wr, sums.wrr, min(rewards), max(rewards)
    else:
        sums.n, sums.r, sums.rr = online.n, online.r, online.rr
        sums.lowest, sums.highest = online.lowest, online.highest
    return sums


def _show(shown: Shown, columns: _Columns) -> None:
    _count(shown, columns.chosen, columns.rewards, columns.sizes)
    add(shown.baseline, Counter(compress(columns.chosen, columns.is_usual)))
    add(shown.explored, Counter(compress(columns.chosen, columns.explored)))
    shown.baseline_p.extend(columns.usual)
    shown.baseline_pq.extend([p * (1 - p) for p in columns.usual])
    shown.top_p.extend(columns.most)
    shown.top_pq.extend([p * (1 - p) for p in columns.most])
    shown.top += sum(columns.top)
    shown.improper += sum(columns.improper)


def _count(shown: Shown, chosen: list[str], rewards: list[float], sizes: list[int]) -> None:
    add(shown.chosen, Counter(chosen))
    add(shown.sizes, Counter(sizes))
    for reward, count in Counter(rewards).items():
        key = bin_of(reward)
        shown.rewards[key] = shown.rewards.get(key, 0) + count
