"""Windows in a file: pairs of a key and the end of its window (ms), two 64-bit words each, gzipped.

Of several pairs of one key the last one counts. So the files of several runs, one behind the other, are one file.
"""

import gzip
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

from shared.joined_log.windows import Windows
from shared.scratch import HELD, Spool

_MEMBER = 4_096  # pairs
_PAIR_BYTES = 16


class WindowFile:
    """A file of windows, new, being written. length: how many; last: the latest end, 0 if there is none.

    It is held in memory up to `held` bytes.
    """

    def __init__(self, path: Path, held: int = HELD) -> None:
        self._file = Spool(path, held)
        self.length = self.last = 0
        self._pairs = array("Q")

    def write(self, key: int, end: int) -> None:
        self._pairs.extend((key, end))
        self.length += 1
        self.last = max(self.last, end)
        if len(self._pairs) >= 2 * _MEMBER:
            self._end_member()

    def close(self) -> None:
        if self._pairs or not self.length:
            self._end_member()
        self._file.close()

    @property
    def content(self) -> bytes | Path:
        """All of it once it is closed, or the file that has it."""
        return self._file.content

    def _end_member(self) -> None:
        self._file.write(gzip.compress(self._pairs.tobytes(), compresslevel=1, mtime=0))
        self._pairs = array("Q")


def write(path: Path, windows: Iterable[tuple[int, int]], held: int = HELD) -> WindowFile:
    """A complete file of these pairs."""
    written = WindowFile(path, held)
    for key, end in windows:
        written.write(key, end)
    written.close()
    return written


def load(path: Path, windows: Windows) -> None:
    """Adds what a file holds; raises one of `DAMAGE` or ValueError."""
    for key, end in _pairs(path):
        if end >= windows.horizon:
            windows.put(key, end)


def _pairs(path: Path) -> Iterator[tuple[int, int]]:
    with gzip.open(path) as data:
        while piece := data.read(_MEMBER * _PAIR_BYTES):
            words = array("Q", piece)
            yield from zip(words[::2], words[1::2], strict=True)
