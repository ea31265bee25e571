"""What became of decisions, and how their rewards are spread."""

import msgspec

from shared.loops.hour_sums import BINS
from shared.loops.summary import Summary


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


def funnel(summary: Summary) -> Funnel:
    """The fates of all events."""
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
