"""Summaries of a loop made from its log: for runs that have stored none, for imports, and without erased events.

A day of which the log has fewer decisions than its summaries is left as it is, unless events were erased: some of its
log was deleted, or is damaged. Trainers may go on meanwhile: what is made are summaries of committed runs, under the
names and with the bytes that they would give them.
"""

import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec

from shared import scratch
from shared.joined_log import damaged_logs, log_parts, members, part_reading, summarised_lines
from shared.joined_log.ahead import ahead
from shared.joined_log.log_parts import LATE, Gone, Part
from shared.joined_log.part_reading import Fetched, Wanted
from shared.joined_log.summarised_lines import Read
from shared.joined_log.summarising import Summarising
from shared.joined_log.unzipping import DAMAGE
from shared.loops import commits, feature_values, summaries, summary, summary_names
from shared.loops.blob_names import Home, run_name
from shared.loops.checkpoint import LONGEST_RUN_MS, Checkpoint, Summarised
from shared.loops.hour_sums import OTHER, add
from shared.loops.summary import DAY_MS, FIVE_MINUTES_MS, HOUR_MS, Parts, Summary
from shared.loops.summary_names import FEATURES, FINE, HOURS, IMPORTED, RUNS, Item
from shared.storage import Storage
from shared.training import summary_merging
from shared.training.run_summaries import Passing, RunSummaries, cut_of

Tell = Callable[[str], None]


class LogDeleted(Exception):
    """The log was deleted while summaries were made of it."""


class Making:
    """Goes through the log day by day, those of the cuts of runs.

    tell: is told how far it is. logged, imported: events by day (ms). unread: lines that are no decisions. left: days
    whose log has less than their summaries.
    """

    def __init__(self, storage: Storage, home: Home, default_reward: float, tell: Tell) -> None:
        self._storage, self._home, self._default, self._tell = storage, home, default_reward, tell
        self._first: int | None = None
        self.logged, self.imported = Counter[int](), Counter[int]()  # decisions by day
        self.unread = 0
        self.left: list[str] = []

    async def all(self) -> None:
        """Makes what is missing up to the checkpoint's cut, of the current hour by run, and says since when it is."""
        state = await self._state()
        summarised = state.summarised or Summarised()
        for day in await self._logged():
            await self._day(day, state, summarised)
        while (later := await self._state()).cut // HOUR_MS != state.cut // HOUR_MS:
            # The hour that was the current one is over: it may have been rolled up before all of it was there.
            day, state = state.cut - state.cut % DAY_MS, later
            await self._day(day, state, summarised)
        if self._first is not None:
            since = max(summarised.deleted, self._first - LONGEST_RUN_MS)
            await commits.amend(self._storage, self._home, lambda state: _since(state, since, summarised.deleted))

    async def passing(self, days: Collection[int], looked: Collection[str] | None, folder: Path) -> Passing:
        """For a rewriting that looks at these files of the log, None for all: makes summaries of the days (ms) of which
        it reads all files. They are in the folder until `without_erased` stores them."""
        state = await self._state()
        found = await self._logged_parts(days, state)
        whole = [some for some in found.values() if looked is None or all(part.file in looked for part in some)]
        return Passing(RunSummaries(self._default, state.cut, folder), chain.from_iterable(whole))

    async def without_erased(
        self, days: Collection[int], values: Collection[str], passing: Passing | None = None
    ) -> None:
        """Makes days (ms) anew from the log, from which events were erased; hours whose log is gone keep their sums.

        values: erased ones; in hours whose log is gone, or may be, they count as "other". Elsewhere they are of events
        that stay, such as an action whose id is an erased value of a feature. passing: has seen the lines that stay. A
        day of which it has not seen all of the log is read again.
        """
        state = await self._state()
        if state.summarised is None:
            return
        first, parts = await self._log_begins(imported=False), await self._logged_parts(days, state)
        # Events that were ranked before it may have been in runs that are gone.
        gone = 0 if first is None else _hour_of(max(0, first - LONGEST_RUN_MS))
        for day in sorted(days):
            runs = None
            if passing is not None:
                runs = await asyncio.to_thread(passing.within, day, day + DAY_MS, parts.get(day, []))
            if runs is None:
                _, runs = await self._runs(day, state, state.summarised)
            await self._day_anew(day, state, state.summarised, gone, runs)
        if values:
            imported = await self._log_begins(imported=True)
            for item in summary_names.items(await self._storage.names(summary_names.prefix(self._home))):
                begins = imported if item.kind == IMPORTED else first
                if begins is not None and _day_start(item.start) in days:
                    await self._without_values(item, values, gone if item.kind != IMPORTED else 0)
                else:
                    await self._without_values(item, values, sys.maxsize if begins is None else begins)

    async def _log_begins(self, *, imported: bool) -> int | None:
        """When the first run (ms) of the log, or of what was imported, was cut; None if there is none."""
        blobs = await log_parts.listed(self._storage, self._home)
        return min((summary_names.time_of(one.first) for one in blobs if one.is_imported == imported), default=None)

    async def _logged_parts(self, days: Collection[int], state: Checkpoint) -> dict[int, list[Part]]:
        """The parts of the log that runs of these days have, those that count; none of them if some were just moved."""
        found = defaultdict[int, list[Part]](list)
        deleted = state.summarised.deleted if state.summarised is not None else state.cut
        for late in (False, True):
            blobs = await log_parts.listed(self._storage, self._home, late=late)
            blobs = [one for one in blobs if any(_day_of(one.first) <= day <= _day_of(one.last) for day in days)]
            try:
                async for part in log_parts.in_order(self._storage, self._home, blobs):
                    if log_parts.IMPORTED not in part.file and deleted < cut_of(part.file) <= state.cut:
                        found[_day_of(part.file)].append(part)
            except Gone:
                return {}
        return {day: some for day, some in found.items() if day in days}

    async def _day_anew(
        self, day: int, state: Checkpoint, summarised: Summarised, gone: int, runs: Mapping[int, Summary]
    ) -> None:
        every = summary_names.items(await self._storage.names(summary_names.prefix(self._home)))
        before = [one for one in every if day <= one.start < day + DAY_MS]
        written = set[str]()
        if any(one.kind == IMPORTED for one in before) and (imported := await self._imports(day)) is not None:
            written.add(await self._put(summary_names.rolled_up(self._home, IMPORTED, day, summarised), imported))
        whole = Summary()
        for one in runs.values():
            whole.merge(one)
        if day + DAY_MS <= state.cut - state.cut % DAY_MS:
            if any(one.first_event < gone for one in before):
                whole.merge((await self._known(before, summarised)).within(0, gone))
            written |= {
                await self._roll_up(kind, day, whole, summarised) for kind in summary_merging.kinds_of(day, state.cut)
            }
        else:
            written |= await self._hours(runs, state, summarised)
        await self._storage.delete_all(one.name for one in before if one.name not in written)

    async def _without_values(self, item: Item, values: Collection[str], until: int) -> None:
        """Counts values as others in the hours that begin before an instant (ms)."""
        blob = await self._storage.read(item.name)
        if blob is None:
            return
        made, changed = summary.decode(item.name, blob.data), False
        before = made.within(0, until)
        for hour in before.hours.values():
            for shown in hour.slots.values():
                for counts in (shown.chosen, shown.baseline, shown.explored):
                    for value in [one for one in counts if one in values]:
                        add(counts, {OTHER: counts.pop(value)})
                        changed = True
        texts = {feature_values.short(value) for value in values}
        for sample in before.features.values():
            changed = sample.forget(texts) or changed
        if changed:
            await self._put(item.name, made)

    async def _state(self) -> Checkpoint:
        return (await commits.load(self._storage, self._home)).checkpoint

    async def _logged(self) -> list[int]:
        """The days of which there is a log, by their starts (ms)."""
        found = [await log_parts.listed(self._storage, self._home, late=late) for late in (False, True)]
        files = [file for blobs in found for blob in blobs for file in (blob.first, blob.last)]
        return sorted({_day_of(file) for file in files})

    async def _day(self, day: int, state: Checkpoint, summarised: Summarised) -> None:
        first, runs = await self._runs(day, state, summarised)
        imported = await self._imports(day)
        if imported is not None:
            await self._put(summary_names.rolled_up(self._home, IMPORTED, day, summarised), imported)
        whole = Summary()
        for one in runs.values():
            whole.merge(one)
        if first is None or _decisions(whole) < await self._decisions_known(day, state, summarised):
            self.left += [] if first is None else [_text(day)]
            return
        self._first = first if self._first is None else min(self._first, first)
        if day + DAY_MS <= state.cut - state.cut % DAY_MS:
            for kind in summary_merging.kinds_of(day, state.cut):
                await self._roll_up(kind, day, whole, summarised)
            return
        await self._hours(runs, state, summarised)

    async def _hours(self, runs: Mapping[int, Summary], state: Checkpoint, summarised: Summarised) -> set[str]:
        """Stores those of a day that is not over: by hour, and of the current hour by run; their names."""
        hours: dict[int, Summary] = {}
        names = set[str]()
        for at, one in runs.items():
            if at // HOUR_MS == state.cut // HOUR_MS:
                names.add(await self._put(summary_names.of_run(self._home, at), one))
            else:  # the hour of some runs may have been the current one when their summaries were made
                hours.setdefault(at - at % HOUR_MS, Summary()).merge(one)
        return names | {await self._roll_up(HOURS, hour, one, summarised) for hour, one in hours.items()}

    async def _runs(self, day: int, state: Checkpoint, summarised: Summarised) -> tuple[int | None, dict[int, Summary]]:
        """The first cut of a day of which there is a log, and the summaries of its runs: see `RunSummaries`."""
        first, last = max(day, summarised.deleted + 1), min(day + DAY_MS - 1, state.cut)
        wanted = Wanted(run_name(first), run_name(last), "")
        with scratch.folder() as folder:
            made = RunSummaries(self._default, state.cut, Path(folder))
            for late in (False, True):
                async for part in self._parts(wanted, late=late):
                    await asyncio.to_thread(made.begin, part.part.file)
                    await self._add(part, made.add)
            found = await asyncio.to_thread(made.within, day, day + DAY_MS)
        self.logged[day] = sum(map(_decisions, found.values()))
        return made.first, found

    async def _imports(self, day: int) -> Summary | None:
        """The summary of what was imported of a day, None if nothing was."""
        summarising = Summarising(self._default, samples=False)
        wanted = Wanted(run_name(day), "", run_name(day + DAY_MS))
        join = partial(summarised_lines.join, summarising)
        async for part in self._parts(wanted):
            await self._add(part, lambda lines: sum([not join(line) for line in lines]))
        made = summarising.finished()
        self.imported[day] = _decisions(made)
        return made if made.hours else None

    async def _parts(self, wanted: Wanted, *, late: bool = False) -> AsyncIterator[Fetched]:
        with scratch.folder() as folder:
            async for part in ahead(part_reading.fetched(self._storage, self._home, Path(folder), wanted, late=late)):
                yield part
                self._tell(f"{_text(_day_of(part.part.file))}: {sum(self.logged.values()):,} events of earlier days")

    async def _add(self, part: Fetched, add: Callable[[list[Read]], int]) -> None:
        unread, damage = await asyncio.to_thread(_added, part, add)
        self.unread += unread
        if damage is not None:
            damaged_logs.meet(self._home, part.part.blob, damage, part.part.file)

    async def _known(self, before: Collection[Item], summarised: Summarised) -> Summary:
        """The sum of the summaries of a day, features included."""
        known = Summary()
        wanted: dict[str, Parts] = {FINE: "sums", FEATURES: "features"}
        for kind, parts in wanted.items():
            items = summary_names.chosen(before, summarised, (kind, HOURS, RUNS))
            found, _ = await summaries.merged(self._storage, self._home, items, FIVE_MINUTES_MS, parts=parts)
            known.merge(found)
        return known

    async def _decisions_known(self, day: int, state: Checkpoint, summarised: Summarised) -> int:
        """How many decisions the readable summaries of a day have."""
        found = summary_names.items(await self._storage.names(summary_names.prefix(self._home)))
        items = summary_names.chosen(found, summarised, (FINE, HOURS, RUNS))
        items = [one for one in items if day <= one.start < day + DAY_MS and one.start <= state.cut]
        try:
            known, _ = await summaries.merged(self._storage, self._home, items, FIVE_MINUTES_MS)
        except summaries.Gone:
            return await self._decisions_known(day, state, summarised)
        return _decisions(known)

    async def _roll_up(self, kind: str, at: int, made: Summary, summarised: Summarised) -> str:
        name = summary_names.rolled_up(self._home, kind, at, summarised)
        return await self._put(name, summary_merging.shown_by(made, kind))

    async def _put(self, name: str, made: Summary) -> str:
        """The name."""
        await self._storage.put(name, summary.encode(made))
        return name


def _added(part: Fetched, add: Callable[[list[Read]], int]) -> tuple[int, Exception | None]:
    """How many lines of a part were none, and what has damaged what is behind them."""
    read = summarised_lines.read_late if part.part.file.endswith(LATE) else summarised_lines.read
    unread = 0
    try:
        for member in members.read(part.file, part.offset, part.part.length):
            unread += add([read(line) for line in members.split(member.lines)])
    except DAMAGE as damage:
        return unread, damage
    return unread, None


def _decisions(made: Summary) -> int:
    return made.fate("shown") + made.fate("skipped")


def _since(state: Checkpoint, since: int, deleted: int) -> Checkpoint:
    """The checkpoint that says from when on there are summaries (ms)."""
    known = state.summarised or Summarised(state.cut)
    if known.deleted != deleted:
        raise LogDeleted
    return msgspec.structs.replace(state, summarised=msgspec.structs.replace(known, since=min(known.since, since)))


def _day_of(file: str) -> int:
    """The start of the day (ms) of a file of the log."""
    return _day_start(summary_names.time_of(file))


def _day_start(at: int) -> int:
    return at - at % DAY_MS


def _hour_of(at: int) -> int:
    return at - at % HOUR_MS


def _text(day: int) -> str:
    return datetime.fromtimestamp(day / 1000, UTC).date().isoformat()
