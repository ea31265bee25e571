"""One policy's figures, from its sums."""

import math

import msgspec

from shared.evaluation import gate, paired
from shared.evaluation.accumulator import Extremes
from shared.evaluation.estimators.cressie_read import CressieRead
from shared.evaluation.gate import Standing, Verdict
from shared.evaluation.intervals import cressie_read as intervals
from shared.evaluation.intervals.default import DefaultInterval
from shared.evaluation.intervals.dr_gaussian import DrGaussian
from shared.evaluation.intervals.gaussian import GaussianIps
from shared.evaluation.intervals.interval import Interval
from shared.evaluation.paired import Difference
from shared.evaluation.part import BASELINE, ONLINE, Judged
from shared.evaluation.slots import slot_figures
from shared.loops.policy_sums import PolicySums

DAY_MS = 86_400_000


class Comparison(msgspec.Struct, frozen=True):
    """With another policy on the same events. smallest: the smallest difference that the log can show.

    days: how many more of them, as the log has them, would decide a difference of the size seen; 0 if it is decided,
    None if no number would.
    """

    other: str
    difference: float
    lower: float
    upper: float
    smallest: float
    decided: bool
    days: float | None


class Robustly(msgspec.Struct, frozen=True):
    """A second estimate, with its Gaussian interval; it may leave the range of rewards."""

    value: float
    lower: float
    upper: float


class Estimate(msgspec.Struct, frozen=True):
    """What a policy would have earned by decision, with its 95 % interval.

    half_width: of the interval that Azure Personalizer published. effective, expected: observed and expected effective
    events. unreliable: why the figures are, a sentence each; empty if they are not, as those of what served itself.
    verdict: None for the policies that a log has anyway. robust: doubly robust, None unless it was asked for.
    slot: of several slots, the one that the figures are of; None for all, of which they say what a slot earns on
    average. additive: by the pseudo-inverse estimator, for all of several slots.
    """

    name: str
    arguments: str
    question: str
    decisions: float
    value: float
    lower: float
    upper: float
    ips: float
    half_width: float | None
    effective: float | None
    expected: float | None
    largest_weight: float | None
    mean_weight: float | None
    comparisons: list[Comparison] = []
    unreliable: list[str] = []
    verdict: Verdict | None = None
    robust: Robustly | None = None
    slot: str | None = None
    additive: Robustly | None = None


def cressie_read(sums: PolicySums) -> CressieRead:
    """The estimator that saw these events."""
    found = CressieRead(sums.n, sums.w, sums.ww, sums.wr, sums.wwr, sums.wwrr, sums.r)
    if sums.least is not None and sums.seen is not None:
        found.observed = Extremes(sums.least, sums.seen)
    return found


def value_of(sums: PolicySums, rewards: Interval) -> float:
    """By Cressie-Read, which leaves the range of rewards only by rounding; the least reward without events."""
    value = cressie_read(sums).get(_end(sums.least, 0.0), _end(sums.largest, math.inf))
    return rewards.lower if value is None else min(max(value, rewards.lower), rewards.upper)


def interval_of(judged: Judged, rewards: Interval) -> Interval:
    """The default interval; the whole range of rewards where nothing is known."""
    sums, events = judged.sums, judged.rare_events()
    if events is None and _are_equal(sums):
        return _of_equal_rewards(sums, rewards)
    default = DefaultInterval(rewards, _end(sums.least, 0.0), _end(sums.largest, math.inf), float(sums.n))
    for event in events or ():
        default.add(event)
    default.events = cressie_read(sums)
    return _within(default.get(), rewards)


def point_of(judged: Judged, rewards: Interval) -> tuple[float, Interval]:
    """The value with its interval; of several slots as of `slot_figures.per_slot`, with the value in the interval."""
    value, interval = value_of(slot_figures.pooled(judged), rewards), interval_of(judged, rewards)
    if judged.slots is not None:
        interval = Interval(min(interval.lower, value), max(interval.upper, value))
    return value, interval


def quick_interval(sums: PolicySums, rewards: Interval) -> Interval:
    """Cressie-Read alone, also while rewards are rare: for the points of a series, of which there are many."""
    if _are_equal(sums):
        return _of_equal_rewards(sums, rewards)
    ends = _end(sums.least, 0.0), _end(sums.largest, math.inf)
    return _within(intervals.cressie_read(cressie_read(sums), rewards, 0.05, *ends), rewards)


def _are_equal(sums: PolicySums) -> bool:
    return sums.lowest is not None and sums.lowest == sums.highest


def _of_equal_rewards(sums: PolicySums, rewards: Interval) -> Interval:
    """Where all rewards are equal, Cressie-Read has no width. A share v of other rewards under the policy is one of at
    least v / largest weight in the log, of which n events have shown none: v <= largest * (1 - 0.025^(1/n))."""
    seen, n = sums.lowest or 0.0, float(sums.n)
    others = min(1.0, _end(sums.largest, math.inf) * -math.expm1(math.log(0.025) / n))
    return Interval(seen - others * (seen - rewards.lower), seen + others * (rewards.upper - seen))


def _within(found: Interval | None, rewards: Interval) -> Interval:
    return rewards if found is None else Interval(*(min(max(end, rewards.lower), rewards.upper) for end in found))


def standing(judged: Judged, rewards: Interval) -> Standing:
    """What the gate's first rule compares."""
    return Standing(value_of(judged.sums, rewards), interval_of(judged, rewards).lower)


def comparison(judged: Judged, other: str, rewards: Interval, span: float) -> tuple[Comparison, Difference] | None:
    """With a policy that it was paired with; None for fewer than two events. span: of the log, ms."""
    found = paired.difference(judged.paired[other], rewards.lower) if other in judged.paired else None
    if found is None:
        return None
    days: float | None = 0.0
    if not found.is_decided:
        more = None if found.needed is None else found.needed / float(judged.paired[other].n) - 1
        days = None if more is None else more * span / DAY_MS
    made = Comparison(other, found.mean, *found.interval, found.smallest, found.is_decided, days)
    return made, found


class Context(msgspec.Struct, frozen=True):
    """What figures are seen in. rewards: their range; span: of the log, ms; online: what served, on the same events."""

    rewards: Interval
    span: float
    online: Judged


def of(name: str, question: str, judged: Judged, context: Context, arguments: str = "") -> Estimate:
    """A policy's figures. arguments: of a policy that learns, which alone may be promoted."""
    sums = judged.sums
    diagnosed, ips = gate.diagnostics(sums), GaussianIps(sums.n, sums.wr, sums.wwrr)
    value, interval = point_of(judged, context.rewards)
    compared = {
        other: found
        for other in (ONLINE, BASELINE)
        if other != name and (found := comparison(judged, other, context.rewards, context.span)) is not None
    }
    n = float(sums.n)
    served_so = ONLINE not in judged.paired or not judged.paired[ONLINE].dd.units
    unreliable = [] if served_so else diagnosed.doubts()
    verdict = None
    if arguments:
        online = standing(context.online, context.rewards)
        difference = compared[ONLINE][1] if ONLINE in compared else None
        verdict = gate.verdict(Standing(value, interval.lower), online, difference, diagnosed.doubts())
    return Estimate(
        name=name,
        arguments=arguments,
        question=question,
        decisions=n,
        value=value,
        lower=interval.lower,
        upper=interval.upper,
        ips=float(sums.wr) / n if n else 0.0,
        half_width=ips.half_width(),
        effective=diagnosed.effective,
        expected=diagnosed.expected,
        largest_weight=sums.largest,
        mean_weight=diagnosed.mean_weight,
        comparisons=[made for made, _ in compared.values()],
        unreliable=unreliable,
        verdict=verdict,
        robust=_robustly(judged),
        additive=_additive(judged),
    )


def of_slot(name: str, slot: str, judged: Judged, rewards: Interval, online: Judged) -> Estimate:
    """A policy's figures of one of several slots. online: what was served."""
    question = f"In slot {slot!r}, where events have it."
    found = of(name, question, slot_figures.of_slot(judged, slot), Context(rewards, 0.0, online))
    return msgspec.structs.replace(found, slot=slot, unreliable=[] if name == ONLINE else found.unreliable)


def _robustly(judged: Judged) -> Robustly | None:
    """None without a model of rewards, and for fewer than two events."""
    sums = judged.robust
    interval = None if sums is None else DrGaussian(sums.n, sums.value, sums.squares).get()
    return None if sums is None or interval is None else Robustly(float(sums.value) / float(sums.n), *interval)


def _additive(judged: Judged) -> Robustly | None:
    """Per slot; None for a single slot, and for fewer than two events."""
    size = slot_figures.mean_slots(judged)
    if judged.slots is None or size is None:
        return None
    value, interval = judged.slots.additive.get(), judged.slots.additive.interval()
    return None if value is None or interval is None else Robustly(value / size, *(end / size for end in interval))


def _end(value: float | None, without: float) -> float:
    return without if value is None else value
