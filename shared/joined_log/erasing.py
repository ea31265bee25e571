"""Taking lines out of a loop's log: which events are meant, and each blob without them, under its own name.

A reader that is under way may meet a blob that was replaced: to it, that is damage, and it reads again.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from shared import scratch
from shared.hubs.events import key_of
from shared.joined_log import log_parts, merged_log, part_reading, unjoined_lines, unzipping
from shared.joined_log.log_file import LogFile
from shared.joined_log.log_parts import IMPORTED, LATE
from shared.joined_log.merged_log import DamagedTable, Row
from shared.joined_log.part_reading import EVERY_IMPORT, Wanted
from shared.joined_log.selection import Selection
from shared.loops import summary_names
from shared.loops.blob_names import Home, blob_name
from shared.loops.checkpoint import Place
from shared.loops.erasures import Matches
from shared.storage import Storage
from shared.vw import dsjson

# Entries of an index by the run's cut, doubled, plus 1 for the log of late events.
Entries = dict[int, list[tuple[int, int]]]


class Meant(NamedTuple):
    """What a selection means of a log. places: of the joined lines, by file: their numbers from 0."""

    found: Matches
    places: dict[str, list[int]]

    def shifted(self, place: Place) -> Place:
        """A place as it is once the lines are gone."""
        before = sum(number < place.line for number in self.places.get(place.file, ()))
        return Place(place.file, place.line - before)


class Rewritten(NamedTuple):
    """entries: of the runs whose logs were replaced. days: the days (ms) of what was. damaged: what cannot be read."""

    entries: Entries
    days: set[int]
    damaged: list[str]


async def find(storage: Storage, home: Home, selection: Selection) -> Meant:
    """Reads the log once; the selection learns the events that it means."""
    joined = late = total = 0
    places: dict[str, list[int]] = {}
    reading, number = "", 0
    async for file, lines in part_reading.lines(storage, home, Wanted("", "~", EVERY_IMPORT)):
        reading, number = (file, number if file == reading else 0)
        for line in lines.splitlines(keepends=True):
            event = selection.line(line)
            if event is not None:
                joined += 1
                places.setdefault(file, []).append(number)
                _learn(selection, event)
            number += 1
        total += lines.count(b"\n")
    for counts in (False, True):  # what a later line means, an earlier one may be of
        async for _, lines in part_reading.lines(storage, home, Wanted("", "~", ""), late=True):
            for line in lines.splitlines(keepends=True):
                event = selection.unjoined(line)
                if event is not None:
                    late += counts
                    _learn(selection, event)
    return Meant(Matches(joined, late, 0, total), places)


def _learn(selection: Selection, event: str) -> None:
    if event:
        selection.learn(event)


async def rewrite(storage: Storage, home: Home, selection: Selection) -> Rewritten:
    """Replaces every blob of the log that has lines which are meant, those too that count for nobody."""
    entries, days, damaged = Entries(), set[int](), list[str]()
    names = await storage.names(blob_name(home, "logs", ""))
    index = blob_name(home, "logs", "index", "")
    with scratch.folder() as folder:
        for name in names:
            if name.startswith(index) or not name.endswith(".gz"):
                continue
            file = Path(folder, "blob")
            if await storage.download(name, file) is None:
                continue
            made = await asyncio.to_thread(_without, name, file, Path(folder), selection)
            damaged += [name] * made.damaged
            if made.data is not None:
                await storage.put(name, made.data)
                entries |= made.entries
                days.add(_day(name))
    return Rewritten(entries, days, damaged)


class _Made(NamedTuple):
    """A blob without lines. data: None if it has none of them."""

    data: bytes | None
    entries: Entries
    damaged: bool


def _without(name: str, file: Path, folder: Path, selection: Selection) -> _Made:
    late = name.endswith(LATE)
    if not merged_log.is_merged(name):
        part = _part(file, 0, None, folder, selection, late=late)
        run = log_parts.run_of(log_parts.file_of(name))
        entries = {} if IMPORTED in run or part.data is None else {_number(run, late=late): part.entries}
        return _Made(part.data, entries, part.damaged)
    with file.open("rb") as data:
        try:
            rows, offset = merged_log.rows_of(name, data.read(merged_log.TABLE_BYTES))
        except DamagedTable:
            return _Made(None, {}, True)
        kept, made, entries, damaged = list[Row](), list[bytes](), Entries(), False
        for row in rows:
            part = _part(file, offset, row.length, folder, selection, late=late)
            damaged |= part.damaged
            data.seek(offset)
            own = data.read(row.length) if part.data is None else part.data
            if part.data is not None:
                entries[_number(row.run, late=late)] = part.entries
            kept.append(Row(row.run, len(own), row.stored))
            made.append(own)
            offset += row.length
    return _Made(b"".join([merged_log.table(kept), *made]) if entries else None, entries, damaged)


class _Part(NamedTuple):
    """The log of a run without lines; data: None if it has none of them."""

    data: bytes | None
    entries: list[tuple[int, int]]
    damaged: bool


def _part(file: Path, offset: int, length: int | None, folder: Path, selection: Selection, *, late: bool) -> _Part:
    """What cannot be read of it stays as it is, unless a line before that goes: then it goes, too."""
    matches: Callable[[bytes], str | None] = selection.unjoined if late else selection.line
    size, damage = unzipping.check(file, offset, length)
    kept, gone = list[bytes](), 0
    for lines in unzipping.read(file, size, offset, length):
        for line in lines.splitlines(keepends=True):
            if matches(line) is None:
                kept.append(line)
            else:
                gone += 1
    if not gone:
        return _Part(None, [], damage is not None)
    made = folder / "made"
    log = LogFile(made)
    log.write((_key(line, late=late), line) for line in kept)
    log.close()
    return _Part(made.read_bytes(), list(log.entries), damage is not None)


def _key(line: bytes, *, late: bool) -> int | None:
    event = unjoined_lines.id_of(line) if late else dsjson.id_of(line)
    return None if event is None else key_of(event)


def _number(run: str, *, late: bool) -> int:
    return 2 * summary_names.time_of(run) + late


def _day(name: str) -> int:
    at = summary_names.time_of(log_parts.file_of(name))
    return at - at % 86_400_000
