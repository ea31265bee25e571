"""What happened in a period of a loop: rewards over time, what became of decisions, how rewards are spread."""

import msgspec

from shared.dashboard.periods import Period
from shared.loops import summaries
from shared.loops.hour_sums import BINS
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


class Funnel(msgspec.Struct, frozen=True):
    """What became of the decisions of a period, and of what was reported of them.

    defaulted: shown and without a reward of their own. late, orphans: rewards that count for nothing.
    """

    ranked: int
    shown: int
    rewarded: int
    defaulted: int
    skipped: int
    late: int
    orphans: int
    duplicates: int


class Bin(msgspec.Struct, frozen=True, rename="camel"):
    """Decisions with rewards from `low` on and below `high`; None beyond -1 and 1."""

    low: float | None
    high: float | None
    decisions: int


class History(msgspec.Struct, frozen=True):
    """through: all that was ranked up to there is in it (ms). missing: how many hours of the period are not."""

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


def of(period: Period, found: summaries.Reading) -> History:
    summary = found.summary
    rolled = summary.rolled_up(period.span) if period.span != summary.span else summary
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
        funnel=_funnel(summary),
        rewards=bins(summary),
    )


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


def _funnel(summary: Summary) -> Funnel:
    shown, rewarded, skipped = (summary.fate(name) for name in ("shown", "rewarded", "skipped"))
    return Funnel(
        ranked=shown + skipped,
        shown=shown,
        rewarded=rewarded,
        defaulted=shown - rewarded,
        skipped=skipped,
        late=summary.fate("late"),
        orphans=summary.fate("orphans"),
        duplicates=summary.fate("duplicate_ranks"),
    )


def bins(summary: Summary) -> list[Bin]:
    """From the lowest reward to the highest, also those between that no decision has."""
    counts: dict[int, int] = {}
    for hour in summary.hours.values():
        for number, count in (hour.slots[0].rewards if 0 in hour.slots else {}).items():
            counts[number] = counts.get(number, 0) + count
    if not counts:
        return []
    return [
        Bin(
            None if number < -BINS else number / BINS,
            None if number >= BINS else (number + 1) / BINS,
            counts.get(number, 0),
        )
        for number in range(min(counts), max(counts) + 1)
    ]


def days(period: Period) -> float:
    return (period.end - period.start) / DAY_MS
