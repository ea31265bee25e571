"""Rolling up the summaries of a loop by hour and day, and deleting those that are in a roll-up or past their time.

See `summary_names`. A roll-up is made of committed runs alone, of hours and days that are over. It is stored under a
name of its own in one write, so that a process may end at any instant, and two may do the same at once. What is in it
is deleted by a later sweep than the first that finds it: who has listed the parts can still read them.
"""

from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from shared import scratch
from shared.joined_log import log_parts
from shared.loops import summaries, summary, summary_names
from shared.loops.blob_names import Home
from shared.loops.checkpoint import Summarised
from shared.loops.summary import DAY_MS, FIVE_MINUTES_MS, HOUR_MS, Summary
from shared.loops.summary_names import DAYS, FEATURES, FINE, HOURS, IMPORTED, OF_DAY, RUNS, Item
from shared.storage import Storage
from shared.training import retention

# Roll-ups of a loop in one sweep, before another loop has its turn.
MOST_AT_ONCE = 100
# Features are compared over a week and a day; nobody asks for older ones.
FEATURES_MS = 14 * DAY_MS

# By home: the roll-ups that the last sweep of this process has found.
_known: dict[Home, set[str]] = {}


class _Found(NamedTuple):
    """What is stored of summaries. cut: every run up to there is in `items`, unless it was rolled up or deleted."""

    items: list[Item]
    cut: int
    summarised: Summarised
    committed: int


async def sweep(storage: Storage, home: Home, retention_days: int) -> None:
    """Makes the roll-ups that are due, and deletes what no reader needs any more. retention_days: of the log."""
    found = await _look(storage, home)
    if found is None:
        return
    known = _known.get(home, set())
    oldest = retention.oldest_summaries(retention_days, found.committed)
    longer = {(one.kind, one.start) for one in found.items if one.name in known and one.counts(found.summarised)}
    await storage.delete_all(item.name for item in found.items if _is_over(item, found, longer, oldest))
    _known[home] = {item.name for item in found.items if item.kind != RUNS}
    with scratch.folder() as folder:
        for at, kind in list(_due(found))[:MOST_AT_ONCE]:
            await _roll_up(storage, home, at, kind, found, Path(folder))


async def _look(storage: Storage, home: Home) -> _Found | None:
    """None if there are no summaries, or the checkpoint cannot be read."""
    before = await log_parts.state_of(storage, home)  # a run that is committed later may not be in the list
    if before is None or before.summarised is None:
        return None
    found = summary_names.items(await storage.names(summary_names.prefix(home)))
    after = await log_parts.state_of(storage, home)  # who deletes the log says so first
    if after is None or after.summarised is None:
        return None
    return _Found(found, before.cut, after.summarised, after.committed)


def _due(found: _Found) -> Iterator[tuple[int, str]]:
    """The starts and kinds of roll-ups that are due: of every day, and of an hour that has several runs."""
    counting = [item for item in found.items if item.counts(found.summarised)]
    made = {(item.start, item.kind) for item in counting}
    parts = [item for item in counting if item.kind in (RUNS, HOURS)]
    for day in _starts(parts, DAY_MS, found.cut):
        yield from ((day, kind) for kind in kinds_of(day, found.cut) if (day, kind) not in made)
    runs = [item.start // HOUR_MS * HOUR_MS for item in parts if item.kind == RUNS]
    for hour in _starts(parts, HOUR_MS, found.cut):
        if hour // DAY_MS == found.cut // DAY_MS and (hour, HOURS) not in made and runs.count(hour) > 1:
            yield hour, HOURS


def _starts(parts: Iterable[Item], span: int, cut: int) -> list[int]:
    """Of the hours or days with parts that no later run can belong to."""
    return sorted({item.start - item.start % span for item in parts if item.start // span < cut // span})


async def _roll_up(storage: Storage, home: Home, at: int, kind: str, found: _Found, folder: Path) -> None:
    span = HOUR_MS if kind == HOURS else DAY_MS
    parts = summary_names.chosen(found.items, found.summarised, (RUNS,) if kind == HOURS else (HOURS, RUNS))
    parts = [item for item in parts if at <= item.start < at + span]
    try:
        made, damaged = await summaries.merged(storage, home, parts, FIVE_MINUTES_MS, parts="all")
    except summaries.Gone:
        return  # another process is faster, or the log was deleted
    if not damaged:
        file = folder / "summary"
        file.write_bytes(summary.encode(shown_by(made, kind)))
        await storage.create(summary_names.rolled_up(home, kind, at, found.summarised), file)


def kinds_of(day: int, cut: int) -> tuple[str, ...]:
    """The roll-ups that a day has, by its start and the cut of the last run (ms): old ones have no features."""
    return OF_DAY if day + DAY_MS > cut - FEATURES_MS else (FINE, DAYS)


def shown_by(made: Summary, kind: str) -> Summary:
    """What a roll-up keeps of the runs that are in it."""
    if kind == HOURS:
        return made
    if kind == FEATURES:
        return made.features_only()
    if kind == FINE:
        return made.sums_only()
    by_hour = made.sums_only().rolled_up(HOUR_MS)
    by_hour.hours = {at: hour.capped() for at, hour in by_hour.hours.items()}
    return by_hour


def _is_over(item: Item, found: _Found, longer: Container[tuple[str, int]], oldest: int) -> bool:
    """True for what is in roll-ups, was made before the log was deleted, or is past its time.

    longer: the roll-ups that are known for a while, by kind and start. oldest: what ends before it is past its time.
    """
    summarised = found.summarised
    if not item.counts(summarised):
        return True
    if item.end <= oldest and (item.kind == IMPORTED or item.end <= summarised.since):
        return True
    if item.kind == FEATURES and FEATURES not in kinds_of(item.start, found.cut):
        return True
    if item.kind not in (RUNS, HOURS):
        return False
    day, hour = item.start - item.start % DAY_MS, item.start - item.start % HOUR_MS
    is_of_day = all((kind, day) in longer for kind in kinds_of(day, found.cut))
    return is_of_day or (item.kind == RUNS and (HOURS, hour) in longer)
