"""Where the lines of an event are in a loop's log: sorted entries in few blobs, so that a few small reads find it.

`loops/{home}/logs/index/{last run}.{first run}.{entries}` holds the entries of all runs between the two. An entry is
three big-endian numbers of 8 bytes: the key of the event id; the run's cut, doubled, plus 1 for the log of late
events; the place of the line as in `LogFile`. Each run writes an index of its own; the newest are merged when there
are several of about one size, so that their number grows with the logarithm of the log, up to LARGEST entries.
Keys are hashes, so where one must be in a sorted blob is known to within some square root of its length.
"""

from __future__ import annotations

import asyncio
import logging
import os
import struct
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from shared import scratch, telemetry
from shared.joined_log import merging
from shared.joined_log.log_file import Entries
from shared.loops.blob_names import Home, blob_name, loop_of, run_name
from shared.storage import Storage

ENTRY = struct.Struct(">QQQ")
KEY_BYTES = 8
# In entries. Smaller indexes are merged whatever their sizes; what is as large as LARGEST (96 MB) is left alone.
SMALL, LARGEST = 40_000, 4_000_000
SLICE = 50_000

_log = logging.getLogger(__name__)
# Those that this process has met while it merged.
_damaged: set[str] = set()


class Index(NamedTuple):
    """An index blob and the runs it covers."""

    last: str
    first: str
    length: int
    name: str

    def covers(self, other: Index) -> bool:
        return self is not other and self.first <= other.first and other.last <= self.last


async def publish(storage: Storage, home: Home, cut: int, joined: Entries, late: Entries, folder: Path) -> None:
    """Writes the index of a run from the entries of its log files; to be called before the run is committed."""
    logs = {2 * cut: joined, 2 * cut + 1: late}
    content: bytes | Path
    if len(joined) + len(late) <= SLICE:
        entries = b"".join(_sorted(logs))
        content, count = entries, len(entries) // ENTRY.size
    else:
        content = folder / "index"
        count = await asyncio.to_thread(_write, content, logs)
    if count:
        await storage.create(name_of(home, run_name(cut), run_name(cut), count), content)


async def merge(storage: Storage, home: Home) -> None:
    """Merges the newest indexes if there are several of a size, and deletes what an interrupted merge has left."""
    indexes = await _mergeable(storage, home)
    covered = {one for one in indexes if any(other.covers(one) for other in indexes)}
    group = due([one for one in indexes if one not in covered])
    if group:
        with scratch.folder() as folder:
            files = [Path(folder, str(number)) for number in range(len(group) + 1)]
            present = [await storage.download(one.name, file) for one, file in zip(group, files, strict=False)]
            if not all(present):
                return  # another trainer has just merged them
            if damaged := [one.name for one, file in zip(group, files, strict=False) if not _is_whole(one, file)]:
                _leave(home, damaged)
                return
            count = await asyncio.to_thread(_combine, files[:-1], files[-1])
            await storage.create(name_of(home, group[-1].last, min(one.first for one in group), count), files[-1])
    for index in {*covered, *group}:
        await storage.delete(index.name)


def due(indexes: Sequence[Index]) -> list[Index]:
    """The newest indexes, as far back as each is no larger than all newer ones together; [] if they are too few."""
    count = merging.due([one.length for one in indexes], SMALL, LARGEST)
    return list(indexes[len(indexes) - count :])


async def listed(storage: Storage, home: Home) -> list[Index]:
    """All indexes of a loop, the newest last."""
    return (await all_listed(storage, home))[0]


async def all_listed(storage: Storage, home: Home) -> tuple[list[Index], list[str]]:
    """All indexes, the newest last, and the names of blobs beside them that a later version may have written."""
    indexes, unknown = [], []
    for name in await storage.names(_prefix(home)):
        match name.rpartition("/")[2].split("."):
            case last, first, count if count.isdecimal():
                indexes.append(Index(last, first, int(count), name))
            case _:
                unknown.append(name)
    return indexes, unknown


async def _mergeable(storage: Storage, home: Home) -> list[Index]:
    """The indexes that are newer than the last damaged one: what covers that would take its place."""
    indexes = await listed(storage, home)
    last = max((number for number, one in enumerate(indexes) if one.name in _damaged), default=-1)
    return indexes[last + 1 :]


def _leave(home: Home, names: list[str]) -> None:
    """Damaged indexes stay as they are: traces say that events may be in them."""
    for name in names:
        _damaged.add(name)
        telemetry.error(_log, f"The index {name} is damaged; traces do not find what is in it.", loop_of(home))


def _is_whole(index: Index, file: Path) -> bool:
    return file.stat().st_size == index.length * ENTRY.size


def _write(target: Path, logs: Mapping[int, Entries]) -> int:
    """Writes the entries of log files in order; their number."""
    with target.open("wb") as out:
        return sum(out.write(piece) for piece in _sorted(logs)) // ENTRY.size


def _sorted(logs: Mapping[int, Entries]) -> Iterator[bytes]:
    """The entries of log files in order, some of the keys at a time to bound memory."""
    parts = sum(map(len, logs.values())) // SLICE + 1
    for low, high in pairwise(2**64 * part // parts for part in range(parts + 1)):
        records = {
            ENTRY.pack(key, run, place) for run, entries in logs.items() for key, place in entries if low <= key < high
        }
        yield b"".join(sorted(records))


def _combine(sources: Sequence[Path], target: Path) -> int:
    """Merges files of sorted entries into one, some of the keys at a time to bound memory; the number of entries."""
    total = sum(source.stat().st_size for source in sources) // ENTRY.size
    parts = total // SLICE + 1
    bounds = [(2**64 * part // parts).to_bytes(KEY_BYTES) for part in range(parts)]
    written = 0
    with ExitStack() as stack:
        files = [stack.enter_context(source.open("rb")) for source in sources]
        stored = [EntryFile(file) for file in files]
        cuts = [[*(bisect(data, bound) for bound in bounds), len(data) // ENTRY.size] for data in stored]
        out = stack.enter_context(target.open("wb"))
        for stretches in zip(*map(pairwise, cuts), strict=True):
            parts_of = [
                data[low * ENTRY.size : high * ENTRY.size] for data, (low, high) in zip(stored, stretches, strict=True)
            ]
            records = {part[at : at + ENTRY.size] for part in parts_of for at in range(0, len(part), ENTRY.size)}
            out.write(b"".join(sorted(records)))
            written += len(records)
    return written


class _Bytes(Protocol):
    def __len__(self) -> int: ...

    def __getitem__(self, stretch: slice, /) -> bytes: ...


class EntryFile:
    """The bytes of a file, read when they are asked for."""

    def __init__(self, file: BinaryIO) -> None:
        self._number = file.fileno()

    def __len__(self) -> int:
        return os.fstat(self._number).st_size

    def __getitem__(self, stretch: slice, /) -> bytes:
        return os.pread(self._number, stretch.stop - stretch.start, stretch.start)


def bisect(data: _Bytes, key: bytes) -> int:
    """The number of the first entry whose key is not less."""
    return bisect_left(range(len(data) // ENTRY.size), key, key=lambda number: key_at(data, number))


def key_at(data: _Bytes, number: int) -> bytes:
    return data[number * ENTRY.size : number * ENTRY.size + KEY_BYTES]


def name_of(home: Home, last: str, first: str, count: int) -> str:
    """The blob of an index of the runs from `first` to `last`."""
    return f"{_prefix(home)}{last}.{first}.{count}"


def _prefix(home: Home) -> str:
    return blob_name(home, "logs", "index", "")
