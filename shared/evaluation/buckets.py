"""What policies earned in each five minutes of event time, for a course over time."""

from collections.abc import Sequence

from shared.evaluation.columns import Columns, Weight
from shared.loops.policy_sums import PolicySums

MINUTES, HOUR = 5, 60
# How long the parts of a course over time may be for a reader, in minutes, and how many there are at most.
WIDTHS, MOST_POINTS = (5, 15, 60, 180, 360, 720, 1_440, 10_080, 40_320), 48
LONGEST = 1_440
# With so many stretches a log shows the course by them, which costs nothing.
ENOUGH_STRETCHES = 24
Series = dict[str, dict[str, PolicySums]]


def bucket(at: str, minutes: int = MINUTES) -> str:
    """Where a time in UTC falls as the log has it: `2026-01-31T23:55`. minutes: a part of an hour, or some hours."""
    if minutes < HOUR:
        return f"{at[:14]}{int(at[14:16]) // minutes * minutes:02d}"
    hours = minutes // HOUR
    return f"{at[:11]}{int(at[11:13]) // hours * hours:02d}:00"


def width(span: int) -> int:
    """How long the parts of a time (ms) are for a reader, in minutes."""
    return next((one for one in WIDTHS if span <= MOST_POINTS * one * 60_000), WIDTHS[-1])


class Buckets:
    """By bucket and policy. minutes: the length of a bucket, as of `bucket`."""

    def __init__(self, minutes: int = MINUTES) -> None:
        self._columns: dict[str, dict[str, Columns]] = {}
        self._minutes = minutes

    def add(self, policy: str, at: str, reward: float, weight: Weight, count: float) -> None:
        """An event, as of `Columns.add`; at: when it was ranked. Without a time it is in no bucket."""
        try:
            columns = self._columns.setdefault(bucket(at, self._minutes), {})
        except ValueError:
            return
        columns.setdefault(policy, Columns()).add(reward, weight, count, usual=True)

    def series(self) -> Series:
        """The sums."""
        return {
            start: {policy: columns.sums() for policy, columns in sorted(found.items())}
            for start, found in sorted(self._columns.items())
        }


def merged(parts: Sequence[Series]) -> Series:
    """The series of several stretches and policies as one."""
    found: Series = {}
    for part in parts:
        for start, policies in part.items():
            for policy, sums in policies.items():
                found.setdefault(start, {}).setdefault(policy, PolicySums()).merge(sums)
    return dict(sorted(found.items()))
