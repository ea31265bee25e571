"""Reading the summaries of a loop over a period: one list, and one read for each day that is over."""

import asyncio
import logging
from functools import partial
from typing import NamedTuple

from shared import telemetry
from shared.loops import summary, summary_names
from shared.loops.blob_names import Home, loop_of
from shared.loops.checkpoint import Checkpoint, Summarised
from shared.loops.remembered_days import Known, RememberedDays
from shared.loops.stored import Damaged, read, read_checkpoint
from shared.loops.summary import FIVE_MINUTES_MS, HOUR_MS, Parts, Summary
from shared.loops.summary_names import DAYS, FEATURES, FINE, HOURS, IMPORTED, RUNS, Item
from shared.storage import Storage

READS = 8  # at once
ATTEMPTS = 5

_log = logging.getLogger(__name__)


class Gone(Exception):
    """A summary was rolled up or deleted since it was listed."""


class Reading(NamedTuple):
    """The summaries of a period.

    through: everything ranked up to there is in them (ms), unless it is missing. missing: the hours of the period of
    which there is none, or not all: by their starts (ms), in order. damaged: the blobs that could not be read.
    """

    summary: Summary
    through: int
    missing: list[int]
    damaged: list[str]


async def over(
    storage: Storage, home: Home, start: int, end: int, span: int = HOUR_MS, days: RememberedDays | None = None,
    features_from: int | None = None,
) -> Reading:  # fmt: skip
    """What was ranked in start..end (ms, multiples of the span), by stretches of five minutes or of whole hours.

    days: those that need not be read again; then nothing of the result is to be changed. features_from: an hour (ms)
    from which on, up to the end, the features are wanted, too.
    Raises LaterVersion, and Damaged if the checkpoint is. Imported events are not in it: see `imported`.
    """
    for _ in range(ATTEMPTS):
        before = await _state(storage, home)
        listed = await _listed(storage, home, with_etags=days is not None)
        found = summary_names.items(listed)
        after = await _state(storage, home)  # behind the list: whoever deletes says so first
        try:
            items = _committed(found, after, FINE if span == FIVE_MINUTES_MS else DAYS, start, end)
            known = days.of(listed) if days is not None else None
            made, damaged = await merged(storage, home, items, span, known)
            made = made.within(start, end)
            if features_from is not None:
                items = _committed(found, after, FEATURES, features_from, end)
                some, more = await merged(storage, home, items, span, parts="features")
                made.features, damaged = some.within(features_from, end).features, sorted({*damaged, *more})
        except Gone:
            continue
        since = after.summarised.since if after.summarised is not None else after.cut
        missing = _missing(start, min(end, before.cut), since, damaged)
        return Reading(made, before.cut, missing, [item.name for item in damaged])
    raise Gone(f"the summaries of {loop_of(home)} changed each time they were read")


async def imported(storage: Storage, home: Home, start: int, end: int, span: int = HOUR_MS) -> Reading:
    """The same of imported events, as far as `python -m migration summarise` has made summaries of them."""
    state = await _state(storage, home)
    found = summary_names.items(await storage.names(summary_names.prefix(home)))
    items = summary_names.chosen(found, state.summarised or Summarised(), (IMPORTED,))
    made, damaged = await merged(storage, home, [one for one in items if one.has(start, end)], span)
    missing = _missing(start, end, 0, damaged)
    return Reading(made.within(start, end), end, missing, [item.name for item in damaged])


async def merged(
    storage: Storage, home: Home, items: list[Item], span: int, days: Known | None = None, parts: Parts = "sums"
) -> tuple[Summary, list[Item]]:
    """The sum of summaries, and those that are damaged, which is reported; raises Gone, LaterVersion.

    days: as of `over`. parts: what of them is wanted.
    """
    slots, made, damaged = asyncio.Semaphore(READS), Summary(span=span), list[Item]()

    async def load(item: Item) -> Summary | None:
        known = days.get(item.name) if days is not None else None
        if known is not None:
            return known
        async with slots:
            try:
                found = await read(storage, item.name, partial(summary.decode, item.name, parts=parts))
            except Damaged as error:
                told = f"{error}. `python -m migration summarise` makes it again from the log."
                telemetry.error(_log, told, loop_of(home))
                damaged.append(item)
                return None
            if found.value is None:
                raise Gone(item.name)
            return found.value

    loaded = zip(items, await asyncio.gather(*map(load, items)), strict=True)
    for item, one in sorted(loaded, key=lambda pair: days is not None and pair[0].kind == DAYS):
        if one is None:
            continue
        if days is not None and item.kind == DAYS:
            days.keep(item.name, one)
            made.share(one)
        else:
            made.absorb(one)
    return made, sorted(damaged)


def _committed(found: list[Item], state: Checkpoint, day: str, start: int, end: int) -> list[Item]:
    """Those that may have events of start..end, each event in one of them. day: the kind of the roll-ups of days."""
    items = summary_names.chosen(found, state.summarised or Summarised(), (day, HOURS, RUNS))
    return [one for one in items if one.has(start, end) and (one.kind != RUNS or one.start <= state.cut)]


async def _listed(storage: Storage, home: Home, *, with_etags: bool) -> dict[str, str]:
    """The names of all summaries, and their etags if they are wanted: with those, a list takes longer."""
    prefix = summary_names.prefix(home)
    if not with_etags:
        return dict.fromkeys(await storage.names(prefix), "")
    return {one.name: one.etag for one in await storage.listed(prefix)}


async def _state(storage: Storage, home: Home) -> Checkpoint:
    return (await read_checkpoint(storage, home)).value or Checkpoint()


def _missing(start: int, end: int, since: int, damaged: list[Item]) -> list[int]:
    """The hours of a period that begin before there are summaries, or of which a damaged one may have events."""
    hours = range(start - start % HOUR_MS, end, HOUR_MS)
    return [at for at in hours if at < since or any(item.has(at, at + HOUR_MS) for item in damaged)]
