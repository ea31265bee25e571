"""Reading the joined log of a loop back from storage, line by line. Every event is there once."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator

import msgspec

from shared.hubs.events import key_of
from shared.joined_log import damaged_logs, log_parts, part_reading
from shared.joined_log.join import horizon
from shared.joined_log.joined_lines import relabelled
from shared.joined_log.log_parts import IMPORTED
from shared.joined_log.part_reading import EVERY_IMPORT, Wanted
from shared.joined_log.windows import Windows
from shared.loops.blob_names import Home, blob_name, run_name
from shared.loops.config import LoopConfig
from shared.loops.model_records import Place
from shared.storage import Storage
from shared.vw.dsjson import Dated

HOUR_MS = 3_600_000

_dated = msgspec.json.Decoder(Dated)


def imported_name(home: Home, at: int, digest: str) -> str:
    """The blob of imported events, the last of which happened at `at` (ms). No run of the trainer has such a name."""
    return f"{hour_name(home, at)}{run_name(at)}{IMPORTED}{digest}.dsjson.gz"


def hour_name(home: Home, at: int) -> str:
    """The prefix of the runs that were cut in the hour of `at` (ms)."""
    return blob_name(home, "logs", time.strftime("%Y/%m/%d/%H", time.gmtime(at // 1000)), "")


async def imports(storage: Storage, home: Home) -> list[str]:
    """The blobs of imported events, in order of their last ones."""
    names = await storage.names(blob_name(home, "logs", ""))
    return sorted((name for name in names if is_imported(name)), key=log_parts.file_of)


async def committed(
    storage: Storage, home: Home, through: int, since: int = 0, *, imported: bool = True
) -> AsyncIterator[bytes]:
    """The dsjson of the runs whose cut is in `since`..`through` (ms), in order, in chunks of whole lines.

    Imported events are of no run: those since `since` are all there, in a loop that has never trained too, unless
    `imported` is False. A damaged log is reported by `damaged_logs`.
    """
    if imported:
        damaged_logs.begin(home, since)
    async for _, lines in part_reading.lines(storage, home, _wanted(since, through, imported=imported)):
        yield lines


async def onwards(
    storage: Storage, home: Home, at: Place, through: int, *, imported: bool
) -> AsyncGenerator[tuple[Place, bytes], None]:
    """The lines of the runs up to one from a place on, in chunks, each behind the place of its first line."""
    reading, line = "", 0
    async for file, lines in part_reading.lines(storage, home, _wanted(0, through, at.file, imported=imported)):
        if file != reading:
            reading, line = file, 0
        known = at.line - line if file == at.file else 0
        line, rest = line + lines.count(b"\n"), without(lines, known)
        if rest:
            yield Place(file, line - rest.count(b"\n")), rest


def without(lines: bytes, known: int) -> bytes:
    """Lines without the first ones."""
    return b"".join(lines.splitlines(keepends=True)[known:]) if known > 0 else lines


def first_file(since: int) -> str:
    """A file name before those of all runs and imports that were cut since then (ms)."""
    return run_name(since)


def file_name(run: str) -> str:
    """The file name of a run's blob of joined events."""
    return f"{run}.dsjson.gz"


async def around(storage: Storage, home: Home, hour: int) -> AsyncIterator[bytes]:
    """The lines of imports of an hour that begins at `hour` (ms), and of runs that were cut in it or in the next one.

    What was decided in an hour may be closed in the next.
    """
    later, last = hour + HOUR_MS, hour + 2 * HOUR_MS
    wanted = Wanted(run_name(hour), run_name(last - 1), run_name(later))
    async for _, lines in part_reading.lines(storage, home, wanted, hour_name(home, hour), hour_name(home, later)):
        yield lines


async def labelled(
    storage: Storage, home: Home, config: LoopConfig, through: int, since: int = 0, *, imported: bool = True
) -> AsyncIterator[bytes]:
    """The same lines as `committed` with the labels that are to be learned under these settings: see `relabelled`."""
    if imported:
        damaged_logs.begin(home, since)
    async for file, lines in part_reading.lines(storage, home, _wanted(since, through, imported=imported)):
        yield await asyncio.to_thread(relabelled, lines, config, imported=is_imported(file))


async def recollect(storage: Storage, home: Home, cut: int, wait: int) -> Windows:
    """The windows that a `Joiner` remembers at a cut, made from what can be read of the log. wait: rewardWaitTime in
    ms, now."""
    windows = Windows(horizon(cut))
    since = max(0, windows.horizon - wait)
    async for lines in committed(storage, home, cut, since, imported=False):
        await asyncio.to_thread(_recall, windows, lines, wait)
    return windows


def _recall(windows: Windows, lines: bytes, wait: int) -> None:
    for line in lines.splitlines():
        try:
            event = _dated.decode(line)
        except ValueError:
            continue
        windows.put(key_of(event.id), round(event.at.timestamp() * 1000) + wait)


def _wanted(since: int, through: int, at: str = "", *, imported: bool) -> Wanted:
    return Wanted(run_name(since), run_name(through), EVERY_IMPORT if imported else "", at)


def is_imported(name: str) -> bool:
    """True for a blob, or a file, of imported events."""
    return IMPORTED in log_parts.file_of(name)
