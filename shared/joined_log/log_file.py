"""A gzipped log that can be read from any line on, and the names of a loop's log blobs.

It is written in gzip members of a few dozen lines each, which gzip, zlib and VW read as one file.
"""

from __future__ import annotations

import gzip
import time
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from shared.loops.blob_names import Home, blob_name, run_name
from shared.scratch import Spool

# Small, because a trace reads a whole member for one line; more than deflate's window, so that little is lost by it.
MEMBER_BYTES = 65_536
LENGTH_BITS = 24
_HELD = 65_536

Kind = Literal["joined", "late", "refusal"]
# A line with its end, behind the key of the id of its event: None if that cannot be read.
Keyed = tuple[int | None, bytes]


class Entries:
    """Pairs of the key of an event's id and the place of its line, in order; most of very many are in a file."""

    def __init__(self, file: Path) -> None:
        self._file, self._held, self._spilled = file, array("Q"), 0

    def add(self, key: int, place: int) -> None:
        self._held.extend((key, place))
        if len(self._held) >= _HELD:
            with self._file.open("ab") as file:
                self._held.tofile(file)
            self._spilled += len(self._held)
            self._held = array("Q")

    def __len__(self) -> int:
        return (self._spilled + len(self._held)) // 2

    def __iter__(self) -> Iterator[tuple[int, int]]:
        if self._spilled:
            with self._file.open("rb") as file:
                while piece := file.read(_HELD * self._held.itemsize):
                    yield from pairs(array("Q", piece))
        yield from pairs(self._held)


class LogFile:
    """A log being written, held in memory up to `held` bytes. `entries` and `content` are final once it is closed.

    A place is `offset << LENGTH_BITS | length`, in bytes, of the gzip member. The same lines give the same file.
    """

    def __init__(self, file: Path, held: int = 0) -> None:
        self.entries = Entries(file.with_name(f"{file.name}.entries"))
        self._file = Spool(file, held)
        self._keys: list[int | None] = []
        self._lines: list[bytes] = []
        self._size = self._offset = 0

    def write(self, lines: Iterable[Keyed], /) -> None:
        for key, line in lines:
            self._keys.append(key)
            self._lines.append(line)
            self._size += len(line)
            if self._size >= MEMBER_BYTES:
                self._end_member()

    def close(self) -> None:
        if self._lines or not self._offset:
            self._end_member()
        self._file.close()

    @property
    def content(self) -> bytes | Path:
        """The gzipped log, or the file that has it."""
        return self._file.content

    def _end_member(self) -> None:
        member = gzip.compress(b"".join(self._lines), compresslevel=1, mtime=0)
        place = self._offset << LENGTH_BITS | len(member)
        for key in self._keys:
            if key is not None:
                self.entries.add(key, place)
        self._file.write(member)
        self._offset += len(member)
        self._keys, self._lines, self._size = [], [], 0


def pairs(words: array[int]) -> Iterator[tuple[int, int]]:
    """Keys and places of entries that are one behind the other."""
    one = iter(words)
    return zip(one, one, strict=True)


def log_name(home: Home, cut: int, kind: Kind) -> str:
    """The blob of a run, by its cut: joined events, those that could not be joined, or why its model was refused."""
    hour, run = time.strftime("%Y/%m/%d/%H", time.gmtime(cut // 1000)), run_name(cut)
    if kind == "late":
        return blob_name(home, "logs", "late", hour, f"{run}.jsonl.gz")
    return blob_name(home, "logs", hour, f"{run}.dsjson.gz" if kind == "joined" else f"{run}.refusal.txt")
