"""A gzipped log that can be read from any line on, and the names of a loop's log blobs.

It is written in gzip members of a few dozen lines each, which gzip, zlib and VW read as one file.
"""

import gzip
import time
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from shared.loops.blob_names import Home, blob_name, run_name

# Small, because a trace reads a whole member for one line; more than deflate's window, so that little is lost by it.
MEMBER_BYTES = 65_536
LENGTH_BITS = 24

Kind = Literal["joined", "late", "refusal"]
# A line with its end, behind the key of the id of its event: None if that cannot be read.
Keyed = tuple[int | None, bytes]


class LogFile:
    """A log being written. `entries` are pairs of the key of an event's id and the place of its line.

    A place is `offset << LENGTH_BITS | length`, in bytes, of the gzip member. The same lines give the same file.
    """

    def __init__(self, file: Path) -> None:
        self.entries = array("Q")
        self._file = file.open("wb")
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

    def _end_member(self) -> None:
        member = gzip.compress(b"".join(self._lines), compresslevel=1, mtime=0)
        place = self._offset << LENGTH_BITS | len(member)
        for key in self._keys:
            if key is not None:
                self.entries.extend((key, place))
        self._file.write(member)
        self._offset += len(member)
        self._keys, self._lines, self._size = [], [], 0


def log_name(home: Home, cut: int, kind: Kind) -> str:
    """The blob of a run, by its cut: joined events, those that could not be joined, or why its model was refused."""
    hour, run = time.strftime("%Y/%m/%d/%H", time.gmtime(cut // 1000)), run_name(cut)
    if kind == "late":
        return blob_name(home, "logs", "late", hour, f"{run}.jsonl.gz")
    return blob_name(home, "logs", hour, f"{run}.dsjson.gz" if kind == "joined" else f"{run}.refusal.txt")
