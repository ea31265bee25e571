"""The joined log of a loop, as its administrators see it."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime
from typing import TypedDict

import msgspec

from shared.joined_log import log_parts, part_reading
from shared.joined_log.log_parts import Blob, Gone, Part
from shared.joined_log.merged_log import DamagedTable
from shared.joined_log.unzipping import DAMAGE
from shared.loops import chronicle, commits, monitoring_names, stored, summary_names
from shared.loops.blob_names import blob_name
from shared.loops.checkpoint import Checkpoint, Summarised
from shared.loops.chronicle import Entry
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
    blobs = await log_parts.listed(loop.storage, loop.home)
    imported, runs = ([blob for blob in blobs if blob.is_imported is kind] for kind in (True, False))
    times = [time for blob in _of_first_hour(imported) for time in await _first_reach(loop, [blob])]
    times += await _first_reach(loop, runs)
    for one in (runs, imported):
        times += await _first_reach(loop, one[::-1], last=True)
    return {"dateRange": {"from": _text(min(times)), "to": _text(max(times))}} if times else {}


async def _first_reach(loop: Serving, blobs: list[Blob], *, last: bool = False) -> list[datetime]:
    """The reach of the first part of these blobs, or the last of each, of which anything can be read; else none."""
    for blob in blobs:
        with contextlib.suppress(Gone, DamagedTable):
            parts = await log_parts.parts(loop.storage, blob)
            for part in reversed(parts) if last else parts:
                if reach := await _reach(loop, part):
                    return reach
    return []


def _of_first_hour(blobs: list[Blob]) -> list[Blob]:
    hour = blobs[0].name.rpartition("/")[0] if blobs else ""
    return [blob for blob in blobs if blob.name.rpartition("/")[0] == hour]


async def _reach(loop: Serving, part: Part) -> list[datetime]:
    """The earliest and the latest time of the events in a part up to its damage; none if there are none."""
    reach: list[datetime] = []
    async for lines in part_reading.sound(loop.storage, loop.home, part):
        if times := [*reach, *await asyncio.to_thread(_times, lines)]:
            reach = [min(times), max(times)]
    return reach


async def delete(loop: Serving) -> None:
    """Deletes what is retained of the joined log, its summaries, and what was told of them. Events that are still in
    the hubs will be logged as ever.

    What is being merged meanwhile does not come back: the checkpoint takes no merge that began before, no summary that
    was made before counts, and what has been stored until then is deleted, too.
    """
    await _delete_all(loop)
    if (await stored.read_checkpoint(loop.storage, loop.home)).etag is not None:
        await commits.amend(loop.storage, loop.home, _without_log)
        await _delete_all(loop)
    await chronicle.note(loop.storage, loop.home, Entry(round(time.time() * 1000), "logs"))


async def _delete_all(loop: Serving) -> None:
    for prefix in (blob_name(loop.home, "logs", ""), summary_names.prefix(loop.home)):
        await loop.storage.delete_all(await loop.storage.names(prefix))
    await loop.storage.delete_all([monitoring_names.alarms(loop.home), monitoring_names.headline(loop.home)])


def _without_log(state: Checkpoint) -> Checkpoint:
    summarised = Summarised(since=state.cut, deleted=state.cut)
    return msgspec.structs.replace(state, merges=state.merges + 1, merged=None, summarised=summarised)


async def recent(loop: Serving, count: int) -> list[bytes]:
    """The last lines of the joined log, at most `count`; none if they are damaged."""
    blobs = await log_parts.listed(loop.storage, loop.home)
    try:
        parts = await log_parts.parts(loop.storage, blobs[-1]) if blobs else []
        return await _last(loop, parts[-1], count) if parts else []
    except (Gone, DamagedTable, *DAMAGE):
        return []


async def _last(loop: Serving, part: Part, count: int) -> list[bytes]:
    """The last lines of a part, `count` at most."""
    last: list[bytes] = []
    async for lines in part_reading.chunks(loop.storage, part):
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
