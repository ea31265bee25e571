"""Which lines of a loop's log a selection means: the log is read once, and the selection learns their events."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from shared import scratch
from shared.joined_log import damaged_logs, members, part_reading
from shared.joined_log.ahead import ahead
from shared.joined_log.part_reading import EVERY_IMPORT, Fetched, Wanted
from shared.joined_log.selection import Selection
from shared.joined_log.unzipping import DAMAGE
from shared.loops.blob_names import Home
from shared.loops.erasures import Matches
from shared.storage import Storage


class Meant(NamedTuple):
    """places: of the joined lines, by file: their numbers from 0. late: the files with late ones. keys: of the events
    of the joined lines."""

    found: Matches
    places: dict[str, list[int]]
    late: set[str]
    keys: set[int]


async def find(storage: Storage, home: Home, selection: Selection) -> Meant:
    """Reads the joined log, then the one of late events. What is damaged is reported, and searched as
    far as it is sound.

    An event is in the joined log once: it is learned behind that.
    """
    with scratch.folder() as folder:
        joined = late = total = 0
        places, files, events = dict[str, list[int]](), set[str](), list[str]()
        async for one in ahead(part_reading.fetched(storage, home, Path(folder), Wanted("", "~", EVERY_IMPORT))):
            found, count, damage = await asyncio.to_thread(_search, one, selection, late=False)
            _meet(home, one, damage)
            joined, total = joined + len(found), total + count
            events += [event for _, event in found]
            if found:
                places[one.part.file] = [number for number, _ in found]
        for event in events:
            selection.learn(event)
        keys = set(selection.found)
        for counts in (False, True):  # what a later line means, an earlier one may be of
            async for one in ahead(part_reading.fetched(storage, home, Path(folder), Wanted("", "~", ""), late=True)):
                found, _, damage = await asyncio.to_thread(_search, one, selection, late=True)
                _meet(home, one, damage)
                late += counts * len(found)
                for _, event in found:
                    selection.learn(event)
                if found:
                    files.add(one.part.file)
    return Meant(Matches(joined, late, 0, total), places, files, keys)


def _meet(home: Home, one: Fetched, damage: Exception | None) -> None:
    if damage is not None:
        damaged_logs.meet(home, one.part.blob, damage, one.part.file)


def _search(one: Fetched, selection: Selection, *, late: bool) -> tuple[list[tuple[int, str]], int, Exception | None]:
    """The lines of a part that are meant, by their numbers, with the ids of their events; how many it has; and what
    has damaged the rest of it."""
    found, count = list[tuple[int, str]](), 0
    matches = selection.unjoined if late else selection.line
    try:
        for member in members.read(one.file, one.offset, one.part.length):
            if selection.may_mean(member.lines, joined=not late):
                lines = enumerate(members.split(member.lines), count)
                found += [(number, event) for number, line in lines if (event := matches(line)) is not None]
            count += members.count(member.lines)
    except DAMAGE as damage:
        return found, count, damage
    return found, count, None
