"""Reading the joined log of a loop back from storage: its blobs and their lines. Every event is there once."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import msgspec

from shared import scratch
from shared.hubs.events import key_of
from shared.joined_log import damaged_logs, unzipping
from shared.joined_log.join import horizon
from shared.joined_log.joined_lines import relabelled
from shared.joined_log.unzipping import Unzipper
from shared.joined_log.windows import Windows
from shared.loops.blob_names import Home, blob_name, run_name
from shared.loops.checkpoint import Place
from shared.loops.config import LoopConfig
from shared.storage import Storage
from shared.vw.dsjson import Dated

# Sorts behind the `.` that ends the name of a trainer's run of the same instant.
_IMPORTED = "_"


_dated = msgspec.json.Decoder(Dated)


def imported_name(home: Home, at: int, digest: str) -> str:
    """The blob of imported events, the last of which happened at `at` (ms). No run of the trainer has such a name."""
    return f"{hour_name(home, at)}{run_name(at)}{_IMPORTED}{digest}.dsjson.gz"


def hour_name(home: Home, at: int) -> str:
    """The prefix of the runs that were cut in the hour of `at` (ms)."""
    return blob_name(home, "logs", time.strftime("%Y/%m/%d/%H", time.gmtime(at // 1000)), "")


async def runs(storage: Storage, home: Home, through: int, since: int = 0, *, imported: bool = True) -> list[str]:
    """The blobs of the joined log whose run's cut is in `since`..`through` (ms), in order.

    Imported events are of no run: those since `since` are all there, in a loop that has never trained too, unless
    `imported` is False.
    """
    first, last = run_name(since), run_name(through)
    names = [
        (name, *name.rpartition("/")[2].partition(".")) for name in await storage.names(blob_name(home, "logs", ""))
    ]
    return [
        name
        for name, run, _, kind in names
        if kind == "dsjson.gz" and first <= run and (imported if _IMPORTED in run else run <= last)
    ]


async def imports(storage: Storage, home: Home) -> list[str]:
    """The blobs of imported events, in order of their last ones."""
    names = await storage.names(blob_name(home, "logs", ""))
    return sorted((name for name in names if is_imported(name)), key=_file)


async def committed(
    storage: Storage, home: Home, through: int, since: int = 0, *, imported: bool = True
) -> AsyncIterator[bytes]:
    """The dsjson of these blobs, in order, in chunks of whole lines; a damaged one is reported by `damaged_logs`."""
    if imported:
        damaged_logs.begin(home, since)
    for name in await runs(storage, home, through, since, imported=imported):
        async for lines in sound(storage, home, name):
            yield lines


async def onwards(
    storage: Storage, home: Home, at: Place, through: int, *, imported: bool
) -> AsyncGenerator[tuple[Place, bytes], None]:
    """The lines of these blobs from a place on, in chunks of whole lines, each behind the place of its first line."""
    for name in await runs(storage, home, through, imported=imported):
        file, line = _file(name), 0
        if file < at.file:
            continue
        async for lines in sound(storage, home, name):
            known = at.line - line if file == at.file else 0
            line, lines = line + lines.count(b"\n"), without(lines, known)
            if lines:
                yield Place(file, line - lines.count(b"\n")), lines


def without(lines: bytes, known: int) -> bytes:
    """Lines without the first ones."""
    return b"".join(lines.splitlines(keepends=True)[known:]) if known > 0 else lines


def first_file(since: int) -> str:
    """A file name before those of all runs and imports that were cut since then (ms)."""
    return run_name(since)


def file_name(run: str) -> str:
    """The file name of a run's blob of joined events."""
    return f"{run}.dsjson.gz"


async def sound(storage: Storage, home: Home, name: str) -> AsyncIterator[bytes]:
    """The lines of one blob up to the first member whose checksum is wrong, some whole ones at a time.

    The blob is downloaded and checked first: a changed byte may be told only by the end of its member, behind lines
    that can be read and are not what was written.
    """
    with scratch.folder() as folder:
        file = Path(folder, "log")
        if not await storage.download(name, file):
            return
        size, damage = await asyncio.to_thread(unzipping.check, file)
        if damage is not None:
            damaged_logs.meet(home, name, damage)
        lines = unzipping.read(file, size)
        while (some := await asyncio.to_thread(next, lines, None)) is not None:
            yield some


async def labelled(
    storage: Storage, home: Home, config: LoopConfig, through: int, since: int = 0, *, imported: bool = True
) -> AsyncIterator[bytes]:
    """The same lines with the labels that are to be learned under these settings: see `relabelled`."""
    if imported:
        damaged_logs.begin(home, since)
    for name in await runs(storage, home, through, since, imported=imported):
        async for lines in sound(storage, home, name):
            yield relabelled(lines, config, imported=is_imported(name))


async def chunks(storage: Storage, name: str) -> AsyncGenerator[bytes, None]:
    """The lines of one blob of a log, some whole ones at a time; none if it is gone. Raises one of `DAMAGE`.

    They are downloaded and unzipped (in a thread) as they are asked for: memory holds a piece of each.
    """
    unzipper = Unzipper()
    async for piece in storage.stream(name):
        unzipped = unzipper.lines(piece)
        while (lines := await asyncio.to_thread(next, unzipped, None)) is not None:
            yield lines
    if rest := unzipper.end():
        yield rest


async def recollect(storage: Storage, home: Home, cut: int, wait: int) -> Windows:
    """The windows that a `Joiner` remembers at a cut, made from what can be read of the log. wait: rewardWaitTime in
    ms, now."""
    windows = Windows(horizon(cut))
    since = max(0, windows.horizon - wait)
    async for lines in committed(storage, home, cut, since, imported=False):
        for line in lines.splitlines():
            try:
                event = _dated.decode(line)
            except ValueError:
                continue
            windows.put(key_of(event.id), round(event.at.timestamp() * 1000) + wait)
    return windows


def is_imported(name: str) -> bool:
    """True for a blob of imported events."""
    return _IMPORTED in _file(name)


def _file(name: str) -> str:
    return name.rpartition("/")[2]
