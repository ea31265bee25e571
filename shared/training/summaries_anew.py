"""Summaries of a loop made from its log: for runs that have stored none, for imports, and without erased events.

A day of which the log has fewer decisions than its summaries is left as it is, unless events were erased: some of its
log was deleted, or is damaged. Trainers may go on meanwhile: what is made are summaries of committed runs, under the
names and with the bytes that they would give them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from shared import scratch
from shared.joined_log import damaged_logs, log_parts, members, part_reading, summarised_lines
from shared.joined_log.ahead import ahead
from shared.joined_log.part_reading import Fetched, Wanted
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

    async def without_erased(self, days: Iterable[int], values: Collection[str]) -> None:
        """Makes days (ms) anew from the log, from which events were erased; hours whose log is gone keep their sums.

        values: erased ones; where they are actions' ids in summaries whose log is gone, they count as "other".
        """
        state = await self._state()
        if state.summarised is None:
            return
        gone = await self._log_is_gone_until()
        for day in sorted(days):
            await self._day_anew(day, state, state.summarised, gone)
        if values:
            for item in summary_names.items(await self._storage.names(summary_names.prefix(self._home))):
                await self._without_values(item, values)

    async def _log_is_gone_until(self) -> int:
        """The beginning of the first hour (ms) whose decisions the log may have."""
        blobs = await log_parts.listed(self._storage, self._home)
        first = min((summary_names.time_of(one.first) for one in blobs if not one.is_imported), default=0)
        oldest = max(0, first - LONGEST_RUN_MS)
        return oldest - oldest % HOUR_MS

    async def _day_anew(self, day: int, state: Checkpoint, summarised: Summarised, gone: int) -> None:
        every = summary_names.items(await self._storage.names(summary_names.prefix(self._home)))
        before = [one for one in every if day <= one.start < day + DAY_MS]
        written = set[str]()
        if any(one.kind == IMPORTED for one in before) and (imported := await self._imports(day)) is not None:
            written.add(await self._put(summary_names.rolled_up(self._home, IMPORTED, day, summarised), imported))
        runs, whole = await self._runs(day, state, summarised), Summary()
        for one in runs.values():
            whole.merge(one)
        if day + DAY_MS <= state.cut - state.cut % DAY_MS:
            whole.merge((await self._known(before, summarised)).within(0, gone))
            written |= {
                await self._roll_up(kind, day, whole, summarised) for kind in summary_merging.kinds_of(day, state.cut)
            }
        else:
            written |= await self._hours(runs, state, summarised)
        await self._storage.delete_all(one.name for one in before if one.name not in written)

    async def _without_values(self, item: Item, values: Collection[str]) -> None:
        blob = await self._storage.read(item.name)
        if blob is None:
            return
        made, changed = summary.decode(item.name, blob.data), False
        for hour in made.hours.values():
            for shown in hour.slots.values():
                for counts in (shown.chosen, shown.baseline, shown.explored):
                    for value in [one for one in counts if one in values]:
                        add(counts, {OTHER: counts.pop(value)})
                        changed = True
        texts = {feature_values.short(value) for value in values}
        for sample in made.features.values():
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
        runs = await self._runs(day, state, summarised)
        imported = await self._imports(day)
        if imported is not None:
            await self._put(summary_names.rolled_up(self._home, IMPORTED, day, summarised), imported)
        whole = Summary()
        for one in runs.values():
            whole.merge(one)
        if not runs or _decisions(whole) < await self._decisions_known(day, state, summarised):
            self.left += [_text(day)] if runs else []
            return
        self._first = min(runs) if self._first is None else min(self._first, *runs)
        if day + DAY_MS <= state.cut - state.cut % DAY_MS:
            for kind in summary_merging.kinds_of(day, state.cut):
                await self._roll_up(kind, day, whole, summarised)
            return
        await self._hours(runs, state, summarised)

    async def _hours(self, runs: Mapping[int, Summary], state: Checkpoint, summarised: Summarised) -> set[str]:
        """Stores those of a day that is not over: by hour, and of the current hour by run; their names."""
        hours: dict[int, Summary] = {}
        names = set[str]()
        for cut, one in runs.items():
            if cut // HOUR_MS == state.cut // HOUR_MS:
                names.add(await self._put(summary_names.of_run(self._home, cut), one))
            else:
                hours.setdefault(cut - cut % HOUR_MS, Summary()).merge(one)
        return names | {await self._roll_up(HOURS, hour, one, summarised) for hour, one in hours.items()}

    async def _runs(self, day: int, state: Checkpoint, summarised: Summarised) -> dict[int, Summary]:
        """The summaries of the runs of a day, by their cuts."""
        made: dict[int, Summarising] = {}
        first, last = max(day, summarised.deleted + 1), min(day + DAY_MS - 1, state.cut)
        wanted = Wanted(run_name(first), run_name(last), "")
        for late in (False, True):
            async for part in self._parts(wanted, late=late):
                cut = summary_names.time_of(log_parts.run_of(part.part.file))
                one = made.setdefault(cut, Summarising(self._default))
                add = partial(summarised_lines.leave, one, cut) if late else partial(summarised_lines.join, one)
                await self._add(part, add)
        finished = {cut: one.finished() for cut, one in made.items()}
        self.logged[day] = sum(map(_decisions, finished.values()))
        return finished

    async def _imports(self, day: int) -> Summary | None:
        """The summary of what was imported of a day, None if nothing was."""
        summarising = Summarising(self._default, samples=False)
        wanted = Wanted(run_name(day), "", run_name(day + DAY_MS))
        async for part in self._parts(wanted):
            await self._add(part, partial(summarised_lines.join, summarising))
        made = summarising.finished()
        self.imported[day] = _decisions(made)
        return made if made.hours else None

    async def _parts(self, wanted: Wanted, *, late: bool = False) -> AsyncIterator[Fetched]:
        with scratch.folder() as folder:
            async for part in ahead(part_reading.fetched(self._storage, self._home, Path(folder), wanted, late=late)):
                yield part
                self._tell(f"{_text(_day_of(part.part.file))}: {sum(self.logged.values()):,} events of earlier days")

    async def _add(self, part: Fetched, add: Callable[[bytes], bool]) -> None:
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


def _added(part: Fetched, add: Callable[[bytes], bool]) -> tuple[int, Exception | None]:
    """How many lines of a part were none, and what has damaged what is behind them."""
    unread = 0
    try:
        for member in members.read(part.file, part.offset, part.part.length):
            unread += sum(not add(line) for line in member.lines.splitlines(keepends=True))
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
    at = summary_names.time_of(file)
    return at - at % DAY_MS


def _text(day: int) -> str:
    return datetime.fromtimestamp(day / 1000, UTC).date().isoformat()
