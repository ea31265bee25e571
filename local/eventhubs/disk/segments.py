"""Segment files: append-only runs of records whose file names say where in the partition they begin."""

import re
from array import array
from bisect import bisect_left
from pathlib import Path
from typing import NamedTuple, Self

_INDEX_STEP = 64 << 10
_NAME = re.compile(r"(\d{20})-(\d{20})-(\d{15})\.segment")


class Key(NamedTuple):
    """Where an event is; each of the three grows along a partition, the time not strictly."""

    sequence: int
    offset: int
    enqueued: int
    """Milliseconds since 1970."""


class Segment:
    """A run of records. `size` counts durable bytes only; `first` is what its first record has or will have."""

    def __init__(self, path: Path, first: Key, size: int = 0) -> None:
        self.path = path
        self.first = first
        self.size = size
        self.indexed = 0
        self._index = array("q")

    @classmethod
    def at(cls, directory: Path, first: Key) -> Self:
        return cls(directory / f"{first.sequence:020}-{first.offset:020}-{first.enqueued:015}.segment", first)

    @classmethod
    def found(cls, path: Path) -> Self | None:
        """The segment in an existing file, None if the file is something else."""
        match = _NAME.fullmatch(path.name)
        return cls(path, Key(*map(int, match.groups())), path.stat().st_size) if match else None

    @property
    def end_offset(self) -> int:
        return self.first.offset + self.size

    def note(self, key: Key) -> None:
        """Add a record to the sparse index if it is far enough behind the last one noted."""
        position = key.offset - self.first.offset
        if position >= self.indexed:
            self._index.extend(key)
            self.indexed = position + _INDEX_STEP

    def before(self, field: int, value: int) -> int:
        """A position at or before the first record whose key has at least `value` in `field`."""
        index = self._index
        entry = bisect_left(range(len(index) // 3), value, key=lambda each: index[3 * each + field]) - 1
        return index[3 * entry + 1] - self.first.offset if entry >= 0 else 0
