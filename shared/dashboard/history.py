"""What happened in a period of a loop: rewards over time, what became of decisions, how rewards are spread."""

import asyncio
import time

import msgspec

from shared.dashboard import periods
from shared.dashboard.periods import Period
from shared.loops import summaries
from shared.loops.checkpoint import Checkpoint
from shared.loops.hour_sums import BINS
from shared.loops.policy_sums import BASELINE, CERTAIN, ONLINE, RANDOM, PolicySums
from shared.loops.remembered_days import RememberedDays
from shared.loops.reward_sums import Sums
from shared.loops.summary import DAY_MS, FIVE_MINUTES_MS, HOUR_MS, Summary
from shared.serving.loop import Serving

# Histories that a process remembers, each of some 10 KB, and days of summaries, of some 250 KB.
MOST_KNOWN, MOST_DAYS = 64, 64


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


class Read(msgspec.Struct, frozen=True):
    """A history with the sums that it was made of."""

    history: History
    summary: Summary


_known: dict[tuple[object, ...], History] = {}
_days = RememberedDays(MOST_DAYS)


async def read(loop: Serving, period: str | None, by: str | None) -> Read:
    """The history of a period; without one, of the shortest that has all of the last two weeks."""
    now = round(time.time() * 1000)
    chosen = periods.asked(period or periods.USUAL, by, now)
    found = await _over(loop, chosen)
    if period is None and found.summary.stretches:
        word = periods.shortest(now - min(found.summary.stretches))
        if word != chosen.word:
            chosen = periods.asked(word, by, now)
            found = await _over(loop, chosen)
    return Read(await asyncio.to_thread(_history, chosen, found), found.summary)


async def known(loop: Serving, state: Checkpoint, period: str | None, by: str | None) -> History:
    """The history of `read`, made anew only where a run has been committed since: it is what pages ask for most.

    state: of the loop, read just now.
    """
    now = round(time.time() * 1000)
    until = periods.asked(period or periods.USUAL, by, now).end
    key = loop.home, period, by, until, state.cut, state.summarised
    found = _known.pop(key, None)
    if found is None:
        found = (await read(loop, period, by)).history
    if not found.damaged:
        _known[key] = found
        if len(_known) > MOST_KNOWN:
            del _known[next(iter(_known))]
    return found


async def _over(loop: Serving, period: Period) -> summaries.Reading:
    span = FIVE_MINUTES_MS if period.span < HOUR_MS else HOUR_MS
    return await summaries.over(loop.storage, loop.home, period.start, period.end, span, _days)


def _history(period: Period, found: summaries.Reading) -> History:
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
