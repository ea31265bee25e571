"""What policies earned in each five minutes of event time, for a course over time."""

from collections.abc import Sequence

from shared.evaluation.columns import Columns, Weight
from shared.loops.policy_sums import PolicySums

MINUTES = 5
Series = dict[str, dict[str, PolicySums]]


def bucket(at: str) -> str:
    """The five minutes of a time in UTC as the log has it: `2026-01-31T23:55`."""
    return f"{at[:14]}{int(at[14:16]) // MINUTES * MINUTES:02d}"


class Buckets:
    """By bucket and policy."""

    def __init__(self) -> None:
        self._columns: dict[str, dict[str, Columns]] = {}

    def add(self, policy: str, at: str, reward: float, weight: Weight, count: float) -> None:
        """An event, as of `Columns.add`; at: when it was ranked. Without a time it is in no bucket."""
        try:
            columns = self._columns.setdefault(bucket(at), {})
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
