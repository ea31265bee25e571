"""The joined log of a loop, as its administrators see it."""

import asyncio
from datetime import UTC, datetime
from typing import TypedDict

import msgspec

from shared.joined_log import log_reading
from shared.joined_log.unzipping import DAMAGE
from shared.loops.blob_names import blob_name
from shared.serving.loop import Serving
from shared.vw.dsjson import Dated

DateRange = TypedDict("DateRange", {"from": str, "to": str})


class LogsProperties(TypedDict, total=False):
    """The contract's LogsProperties; of an empty log it says nothing."""

    dateRange: DateRange


_dated = msgspec.json.Decoder(Dated)


async def properties(loop: Serving) -> LogsProperties:
    """From the earliest to the latest event of the retained log, as far as its ends can tell: it is not read whole.

    The runs of the trainer follow one another, so that the first and the last are its ends. Imported events are kept
    by the hour they were made in, in blobs that are named by their last events; within a blob they may be in any order.
    """
    names = await _names(loop)
    imported, runs = ([name for name in names if log_reading.is_imported(name) is kind] for kind in (True, False))
    times = [time for name in _of_first_hour(imported) for time in await _reach(loop, name)]
    for one in (runs, runs[::-1], imported[::-1]):
        times += await _first_reach(loop, one)
    return {"dateRange": {"from": _text(min(times)), "to": _text(max(times))}} if times else {}


async def _first_reach(loop: Serving, names: list[str]) -> list[datetime]:
    """The reach of the first of these blobs of which anything can be read; none if there is none."""
    for name in names:
        if reach := await _reach(loop, name):
            return reach
    return []


def _of_first_hour(names: list[str]) -> list[str]:
    hour = names[0].rpartition("/")[0] if names else ""
    return [name for name in names if name.rpartition("/")[0] == hour]


async def _reach(loop: Serving, name: str) -> list[datetime]:
    """The earliest and the latest time of the events in a blob up to its damage; none if there are none."""
    reach: list[datetime] = []
    async for lines in log_reading.sound(loop.storage, loop.home, name):
        if times := [*reach, *await asyncio.to_thread(_times, lines)]:
            reach = [min(times), max(times)]
    return reach


async def delete(loop: Serving) -> None:
    """Deletes what is retained of the joined log. Events that are still in the hubs will be logged as ever."""
    for name in await loop.storage.names(blob_name(loop.home, "logs", "")):
        await loop.storage.delete(name)


async def recent(loop: Serving, count: int) -> list[bytes]:
    """The last lines of the joined log, at most `count`; none if they are damaged."""
    names = await _names(loop)
    try:
        return await _last(loop, names[-1], count) if names else []
    except DAMAGE:
        return []


async def _names(loop: Serving) -> list[str]:
    return [name for name in await loop.storage.names(blob_name(loop.home, "logs", "")) if name.endswith(".dsjson.gz")]


async def _last(loop: Serving, name: str, count: int) -> list[bytes]:
    """The last lines of a blob, `count` at most."""
    last: list[bytes] = []
    async for lines in log_reading.chunks(loop.storage, name):
        last = [*last, *lines.splitlines(keepends=True)[-count:]][-count:]
    return last


def _times(lines: bytes) -> list[datetime]:
    """When the events of lines were made; a time without a zone is UTC, as everywhere in the log."""
    found = [at for line in lines.splitlines() if (at := _time(line)) is not None]
    return [at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC) for at in found]


def _time(line: bytes) -> datetime | None:
    try:
        return _dated.decode(line).at
    except ValueError:
        return None


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
