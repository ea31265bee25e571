"""The joined log of a loop, as its administrators see it."""

import gzip
import zlib
from datetime import datetime
from typing import TypedDict

import msgspec

from shared.errors import ApiError
from shared.loops.homes import blob_name
from shared.serving.loop import Serving

DateRange = TypedDict("DateRange", {"from": str, "to": str})
# What unzipping and decoding a damaged blob may raise.
DAMAGE = (OSError, EOFError, zlib.error, ValueError)


class LogsProperties(TypedDict):
    """The contract's LogsProperties."""

    dateRange: DateRange


class _Dated(msgspec.Struct):
    at: datetime = msgspec.field(name="Timestamp")


_dated = msgspec.json.Decoder(_Dated)


async def properties(loop: Serving) -> LogsProperties:
    """From the first to the last event of the retained log; raises LogsPropertiesNotFound if there is none."""
    try:
        names = await _names(loop)
        first = await _lines(loop, names[0]) if names else []
        last = await _lines(loop, names[-1]) if names[1:] else first
        if not first or not last:
            raise ApiError("LogsPropertiesNotFound")
        return {"dateRange": {"from": _time(first[0]), "to": _time(last[-1])}}
    except DAMAGE as error:
        raise ApiError("OperationNotAllowed", f"The log is damaged at one of its ends: {error}.") from None


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


def _time(line: bytes) -> str:
    return _dated.decode(line).at.isoformat().replace("+00:00", "Z")
