"""The joined log of a loop, as its administrators see it."""

from contextlib import aclosing
from typing import TypedDict

import msgspec

from shared.errors import ApiError
from shared.joined_log import archive
from shared.joined_log.unzipping import DAMAGE
from shared.loops.homes import blob_name
from shared.serving.loop import Serving
from shared.vw.dsjson import Dated

DateRange = TypedDict("DateRange", {"from": str, "to": str})


class LogsProperties(TypedDict):
    """The contract's LogsProperties."""

    dateRange: DateRange


_dated = msgspec.json.Decoder(Dated)


async def properties(loop: Serving) -> LogsProperties:
    """From the first to the last event of the retained log; raises LogsPropertiesNotFound if there is none."""
    try:
        names = await _names(loop)
        first = await _first(loop, names[0]) if names else b""
        last = await _last(loop, names[-1], 1) if names else []
        if not first or not last:
            raise ApiError("LogsPropertiesNotFound")
        return {"dateRange": {"from": _time(first), "to": _time(last[0])}}
    except (*DAMAGE, ValueError) as error:
        raise ApiError("OperationNotAllowed", f"The log is damaged at one of its ends: {error}.") from None


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


async def _first(loop: Serving, name: str) -> bytes:
    """The first line of a blob, empty if it has none."""
    async with aclosing(archive.chunks(loop.storage, name)) as chunks:
        async for lines in chunks:
            return lines.partition(b"\n")[0]
    return b""


async def _last(loop: Serving, name: str, count: int) -> list[bytes]:
    """The last lines of a blob, `count` at most."""
    last: list[bytes] = []
    async for lines in archive.chunks(loop.storage, name):
        last = [*last, *lines.splitlines(keepends=True)[-count:]][-count:]
    return last


def _time(line: bytes) -> str:
    return _dated.decode(line).at.isoformat().replace("+00:00", "Z")
