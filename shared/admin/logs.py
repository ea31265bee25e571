"""The joined log of a loop, as its administrators see it."""

import asyncio
import gzip
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypedDict

import msgspec

from shared.errors import ApiError
from shared.joined_log import archive
from shared.loops.homes import blob_name
from shared.serving.loop import Serving

DateRange = TypedDict("DateRange", {"from": str, "to": str})
# What unzipping and decoding a damaged blob may raise.
DAMAGE = (OSError, EOFError, zlib.error, ValueError)


class LogsProperties(TypedDict, total=False):
    """The contract's LogsProperties; of an empty log it says nothing."""

    dateRange: DateRange


class _Dated(msgspec.Struct):
    at: datetime = msgspec.field(name="Timestamp")


_dated = msgspec.json.Decoder(_Dated)


async def properties(loop: Serving) -> LogsProperties:
    """From the earliest to the latest event of the retained log, as far as its ends can tell: it is not read whole.

    The runs of the trainer follow one another, so that the first and the last are its ends. Imported events are kept
    by the hour they were made in, in blobs that are named by their last events; within a blob they may be in any order.
    """
    imported = await archive.imports(loop.storage, loop.home)
    runs = sorted(set(await _names(loop)) - set(imported))
    ends = dict.fromkeys((*runs[:1], *runs[-1:], *_of_first_hour(imported), *imported[-1:]))
    try:
        found = [await asyncio.to_thread(_reach, await _lines(loop, name)) for name in ends]
    except DAMAGE as error:
        raise ApiError("OperationNotAllowed", f"The log is damaged at one of its ends: {error}.") from None
    times = [time for reach in found for time in reach]
    return {"dateRange": {"from": _text(min(times)), "to": _text(max(times))}} if times else {}


def _of_first_hour(names: list[str]) -> list[str]:
    hour = names[0].rpartition("/")[0] if names else ""
    return [name for name in names if name.rpartition("/")[0] == hour]


def _reach(lines: Iterable[bytes]) -> list[datetime]:
    """The earliest and the latest time of events; none if there are no lines."""
    times = list(map(_time, lines))
    return [min(times), max(times)] if times else []


async def delete(loop: Serving) -> None:
    """Deletes what is retained of the joined log. Events that are still in the hubs will be logged as ever."""
    for name in await loop.storage.names(blob_name(loop.home, "logs", "")):
        await loop.storage.delete(name)


async def recent(loop: Serving, count: int) -> list[bytes]:
    """The last lines of the joined log, at most `count`; none if they are damaged."""
    names = await _names(loop)
    try:
        return (await _lines(loop, names[-1]))[-count:] if names else []
    except DAMAGE:
        return []


async def _names(loop: Serving) -> list[str]:
    return [name for name in await loop.storage.names(blob_name(loop.home, "logs", "")) if name.endswith(".dsjson.gz")]


async def _lines(loop: Serving, name: str) -> list[bytes]:
    blob = await loop.storage.read(name)
    return gzip.decompress(blob.data).splitlines(keepends=True) if blob else []


def _time(line: bytes) -> datetime:
    """When an event was made; a time without a zone is UTC, as everywhere in the log."""
    at = _dated.decode(line).at
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
