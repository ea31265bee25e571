"""Where the summaries of a loop are: by run, and rolled up by hour and by day of the cuts of runs (UTC).

`summaries/runs/{run}.json.gz` counts once the checkpoint's cut has reached it, like the log of the run. When an hour or
a day is over, its runs are merged: no later run can belong to it, so whoever merges them makes the same bytes, and the
roll-up takes the place of the runs as soon as it is there. `hours/` has stretches of five minutes, as a run has. Of a
day there are three: `fine/` with stretches of five minutes, `days/` with those of an hour, and `features/` with the
features of each hour, which the other two lack. What is rolled up has the cut of the last deletion of the log in its
name, and does not count after another one.

Imported events are of no run. They have roll-ups by day of their own, `imported/`, which count for evaluations only.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from shared.loops.blob_names import Home, blob_name, run_name
from shared.loops.checkpoint import LONGEST_RUN_MS, Summarised
from shared.loops.summary import DAY_MS, HOUR_MS

RUNS, HOURS, FINE, DAYS, FEATURES, IMPORTED = "runs", "hours", "fine", "days", "features", "imported"
OF_DAY = (FINE, DAYS, FEATURES)
_SPANS = {RUNS: 1, HOURS: HOUR_MS, FINE: DAY_MS, DAYS: DAY_MS, FEATURES: DAY_MS, IMPORTED: DAY_MS}
_DIGITS = {HOURS: 11, FINE: 8, DAYS: 8, FEATURES: 8, IMPORTED: 8}  # of a run's name that tell an hour or a day
_NAME = re.compile(r"/summaries/(\w+)/(\d{8}(?:T\d{2}(?:\d{7}Z)?)?)(?:\.(\w+))?\.json\.gz$")


class Item(NamedTuple):
    """A summary in storage, by its full name: of the runs whose cut is in start..end (ms), the end excluded.

    deleted: of a roll-up, the name of the cut at which all of the log was last deleted when it was made.
    """

    start: int
    end: int
    kind: str
    deleted: str
    name: str

    @property
    def first_event(self) -> int:
        """No decision in it was ranked before (ms)."""
        return self.start if self.kind == IMPORTED else self.start - LONGEST_RUN_MS

    def has(self, start: int, end: int) -> bool:
        """True if it may have events of start..end (ms), the end excluded."""
        return self.first_event < end and start < self.end

    def counts(self, summarised: Summarised) -> bool:
        """False if it was made before the log was deleted."""
        if self.kind == RUNS:
            return self.start > summarised.deleted
        return self.deleted == run_name(summarised.deleted)


def prefix(home: Home) -> str:
    """Of the names of all summaries of a loop."""
    return blob_name(home, "summaries", "")


def of_run(home: Home, cut: int) -> str:
    """The summary of a run."""
    return blob_name(home, "summaries", RUNS, f"{run_name(cut)}.json.gz")


def rolled_up(home: Home, kind: str, at: int, summarised: Summarised) -> str:
    """The roll-up of the hour or the day of an instant (ms)."""
    name = f"{run_name(at)[: _DIGITS[kind]]}.{run_name(summarised.deleted)}.json.gz"
    return blob_name(home, "summaries", kind, name)


def items(names: Iterable[str]) -> list[Item]:
    """The summaries with these names, in order of their first runs."""
    return sorted(item for name in names if (item := _item(name)) is not None)


def chosen(found: Iterable[Item], summarised: Summarised, kinds: Sequence[str]) -> list[Item]:
    """Those of these kinds that count, each event in one of them. kinds: the longest first."""
    kept: list[Item] = []
    taken: set[tuple[int, int]] = set()
    counting = [item for item in found if item.counts(summarised)]
    for kind in kinds:
        longer = [_SPANS[one] for one in kinds[: kinds.index(kind)]]
        some = [item for item in counting if item.kind == kind]
        some = [item for item in some if not any((span, item.start // span) in taken for span in longer)]
        taken.update((_SPANS[kind], item.start // _SPANS[kind]) for item in some)
        kept += some
    return sorted(kept)


def _item(name: str) -> Item | None:
    match = _NAME.search(name)
    if match is None or match[1] not in _SPANS:
        return None
    kind, at = match[1], time_of(match[2])
    return Item(at, at + _SPANS[kind], kind, match[3] or "", name)


def time_of(digits: str) -> int:
    """The instant that the name of a run, an hour or a day begins with, in ms since 1970."""
    whole = datetime.fromisoformat(digits[:15]).replace(tzinfo=UTC)
    return round(whole.timestamp()) * 1000 + int(digits[15:18] or 0)
