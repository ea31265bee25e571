"""What happened in a period of a loop: rewards over time, and what became of decisions."""

import msgspec

from shared.dashboard.fates import Bin, Funnel, bins, funnel
from shared.dashboard.periods import Period
from shared.loops import summaries
from shared.loops.policy_sums import BASELINE, CERTAIN, ONLINE, RANDOM, PolicySums
from shared.loops.reward_sums import Sums
from shared.loops.summary import DAY_MS, Summary


class Average(msgspec.Struct, frozen=True, rename="camel"):
    """An average reward with half the width of its 95 % interval."""

    mean: float
    half_width: float | None = None

    @property
    def ends(self) -> tuple[float | None, float | None]:
        if self.half_width is None:
            return None, None
        return self.mean - self.half_width, self.mean + self.half_width


class Stretch(msgspec.Struct, frozen=True):
    """at: its beginning, ms since 1970. decisions: those that were shown. None: nothing is known of the policy."""

    at: int
    decisions: float
    online: Average | None
    baseline: Average | None
    random: Average | None


class SlotAverages(msgspec.Struct, frozen=True):
    """What one of several slots earned. slot: from 1, in the order in which they are decided."""

    slot: int
    decisions: float
    online: Average | None
    baseline: Average | None
    random: Average | None


class History(msgspec.Struct, frozen=True):
    """through: all that was ranked up to there is in it (ms). missing: how many hours of the period are not.

    Of decisions about several slots it tells of the first; slots: of each. Empty of decisions about one.
    """

    period: Period
    through: int
    missing: int
    damaged: list[str]
    decisions: float
    online: Average | None
    baseline: Average | None
    random: Average | None
    series: list[Stretch]
    funnel: Funnel
    rewards: list[Bin]
    slots: list[SlotAverages] = []


def of(period: Period, found: summaries.Reading) -> History:
    summary = found.summary
    rolled = Summary(span=period.span)
    # The hours, which cost more, stay as they are.
    rolled.merge(Summary(span=summary.span, stretches=summary.stretches))
    stretches = [_stretch(at, rolled) for at in range(period.start, period.end, period.span)]
    served = rolled.served()
    return History(
        period=period,
        through=found.through,
        missing=len(found.missing),
        damaged=found.damaged,
        decisions=float(served.n),
        online=average(served),
        baseline=average(rolled.total(BASELINE)),
        random=average(rolled.total(RANDOM)),
        series=stretches,
        funnel=funnel(summary),
        rewards=bins(summary),
        slots=_by_slot(rolled),
    )


def _by_slot(summary: Summary) -> list[SlotAverages]:
    slots = sorted({slot for found in summary.stretches.values() for slot in found})
    if len(slots) < 2:
        return []
    return [
        SlotAverages(
            slot + 1,
            float(summary.served(slot).n),
            average(summary.served(slot)),
            average(summary.total(BASELINE, slot)),
            average(summary.total(RANDOM, slot)),
        )
        for slot in slots
    ]


def average(sums: PolicySums) -> Average | None:
    """The self-normalised mean of weighted rewards; None without any."""
    whole = Sums().plus(sums)
    return Average(whole.mean, whole.interval) if whole.mean is not None else None


def _stretch(at: int, summary: Summary) -> Stretch:
    slots = summary.stretches.get(at, {}).get(0, {})

    def merged(*names: str) -> PolicySums:
        made = PolicySums()
        for name in names:
            if name in slots:
                made.merge(slots[name])
        return made

    served = merged(ONLINE, CERTAIN)
    own, random = average(served), average(merged(RANDOM))
    return Stretch(at, float(served.n), own, average(merged(BASELINE, CERTAIN)), random)


def days(period: Period) -> float:
    return (period.end - period.start) / DAY_MS
