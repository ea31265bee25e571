"""Blobs into which older runs of a loop's log were merged, and the catalogue of those that count.

`{hour of the last run}/{last run}.{first run}.{merge}-{digest}.dsjson.gz`, or `.jsonl.gz` in the log of late events,
has the logs of its runs one behind the other, each as it was. They follow an empty gzip member, which every reader of
gzip passes over, with a table of them in its extra field: for each its name, the length of its log and when that was
stored. So a run keeps its file name and its places, which checkpoints and indexes refer to.

The checkpoint names the catalogue. A blob that is not in it does not count, whatever its name.
"""

from __future__ import annotations

import hashlib
import logging
import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from shared import telemetry
from shared.loops import artifacts
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import Home, blob_name, loop_of
from shared.loops.checkpoint import Checkpoint
from shared.storage import Storage

MOST_RUNS = 360
_ROW, _CHECKSUM = struct.Struct(">19sQQ"), struct.Struct(">I")
# Of a gzip member with an extra field of one subfield, up to its data, and what is behind them.
_HEAD = struct.Struct("<4sIBBH2sH")
_GZIP, _FIELD, _UNKNOWN_SYSTEM = b"\x1f\x8b\x08\x04", b"OP", 255
_EMPTY = b"\x03\x00" + bytes(8)
TABLE_BYTES = _HEAD.size + _CHECKSUM.size + MOST_RUNS * _ROW.size + len(_EMPTY)

_log = logging.getLogger(__name__)


class DamagedTable(Exception):
    """The beginning of a merged blob is not what was written."""

    def __init__(self, name: str) -> None:
        super().__init__("the table of its runs is not what was written")
        self.name = name


class Row(NamedTuple):
    """One run in a merged blob. length: of its log in bytes; stored: when that was written, ms since 1970."""

    run: str
    length: int
    stored: int


class Merged(NamedTuple):
    """A merged blob, by its full name."""

    name: str

    @property
    def runs(self) -> tuple[str, str]:
        """The first run and the last."""
        last, first, *_ = self.name.rpartition("/")[2].split(".")
        return first, last

    @property
    def merge(self) -> int:
        """The number of the merge that made it."""
        return int(self.name.rpartition("/")[2].split(".")[2].partition("-")[0])

    @property
    def is_late(self) -> bool:
        return self.name.endswith(".jsonl.gz")

    def covers(self, run: str) -> bool:
        first, last = self.runs
        return first <= run <= last


class Catalogue(NamedTuple):
    """The merged blobs of a log that count. is_whole: False if it was damaged and made again from their names."""

    blobs: list[Merged]
    is_whole: bool = True


_decoder = msgspec.json.Decoder(list[str])


def is_merged(name: str) -> bool:
    """True for the name of a merged blob, also of one that does not count."""
    return name.rpartition("/")[2].count(".") == 4


def table(rows: Sequence[Row]) -> bytes:
    """The gzip member in front of the logs of runs."""
    packed = b"".join(_ROW.pack(row.run.encode(), row.length, row.stored) for row in rows)
    field = _CHECKSUM.pack(zlib.crc32(packed)) + packed
    head = _HEAD.pack(_GZIP, 0, 0, _UNKNOWN_SYSTEM, len(field) + 4, _FIELD, len(field))
    return head + field + _EMPTY


def rows_of(name: str, data: bytes) -> tuple[list[Row], int]:
    """The rows of the table at the beginning of a blob, and how long it is in bytes; raises DamagedTable."""
    try:
        magic, _, _, _, extra, field, length = _HEAD.unpack_from(data)
        (checksum,) = _CHECKSUM.unpack_from(data, _HEAD.size)
    except struct.error:
        raise DamagedTable(name) from None
    first, end = _HEAD.size + _CHECKSUM.size, _HEAD.size + length
    packed = data[first:end]
    known = (magic, field, extra) == (_GZIP, _FIELD, length + 4) and data[end : end + len(_EMPTY)] == _EMPTY
    if not known or len(packed) % _ROW.size or zlib.crc32(packed) != checksum:
        raise DamagedTable(name)
    return [Row(run.decode(), *numbers) for run, *numbers in _ROW.iter_unpack(packed)], end + len(_EMPTY)


def name_of(last: str, first: str, merge: int, digest: str) -> str:
    """The name of the blob into which those with these names were merged. digest: of its bytes, in hex."""
    folder, _, file = last.rpartition("/")
    run, _, kind = file.partition(".")
    return f"{folder}/{run}.{first.rpartition('/')[2].partition('.')[0]}.{merge}-{digest[:16]}.{kind}"


async def publish(storage: Storage, home: Home, merge: int, blobs: Sequence[Merged], folder: Path) -> Artifact:
    """Stores the catalogue that a merge leaves; it counts from the commit on that names it."""
    data, file = msgspec.json.encode([one.name for one in blobs]), folder / "catalogue"
    file.write_bytes(data)
    name = f"{merge:012d}-{hashlib.sha256(data).hexdigest()[:16]}.json"
    return await artifacts.publish(storage, blob_name(home, "merged", name), file)


async def catalogue(storage: Storage, home: Home, state: Checkpoint | None) -> Catalogue:
    """The catalogue of a checkpoint, None if that cannot be read."""
    if state is not None:
        if state.merged is None:
            return Catalogue([])
        blob = await storage.read(state.merged.name)
        if blob is not None and hashlib.sha256(blob.data).hexdigest() == state.merged.sha256:
            return Catalogue([Merged(name) for name in _decoder.decode(blob.data)])
        text = f"The catalogue {state.merged.name} of merged logs cannot be used; their names tell what is in them."
        telemetry.error(_log, text, loop_of(home))
    return Catalogue(await _by_name(storage, home, state), is_whole=False)


async def _by_name(storage: Storage, home: Home, state: Checkpoint | None) -> list[Merged]:
    """The merged blobs that there are, each run in one of them: the later merge counts."""
    names = await storage.names(blob_name(home, "logs", ""))
    found = [Merged(name) for name in names if is_merged(name)]
    if state is not None:
        found = [one for one in found if one.merge <= state.merges]
    kept: list[Merged] = []
    for one in sorted(found, key=lambda one: one.merge, reverse=True):
        if not any(one.is_late == other.is_late and _overlap(one, other) for other in kept):
            kept.append(one)
    return kept


def _overlap(one: Merged, other: Merged) -> bool:
    (first, last), (others_first, others_last) = one.runs, other.runs
    return first <= others_last and others_first <= last


def covered(names: Sequence[str], merged: Iterable[Merged]) -> set[str]:
    """Those of the blobs of runs whose lines are in one of these merged blobs. All of one kind, the names in order."""
    found: set[str] = set()
    pending = iter(sorted(merged, key=lambda one: one.runs))
    current = next(pending, None)
    for name in names:
        run = name.rpartition("/")[2].partition(".")[0]
        while current is not None and current.runs[1] < run:
            current = next(pending, None)
        if current is not None and current.covers(run):
            found.add(name)
    return found
