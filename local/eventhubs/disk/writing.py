"""Appending to segment files, durably or not at all."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


class SegmentWriter:
    """Appends to one segment file at a time and makes it durable. Used from one thread."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._file = -1

    def append(self, path: Path, position: int, data: bytes) -> None:
        """Write `data` at `position` of `path` (0 creates the file) and sync it. On OSError nothing is appended."""
        try:
            if path != self._path:
                self._open(path, position)
            write_all(self._file, data, position)
            sync(self._file)
        except OSError:
            self.undo(position)
            raise

    def close(self) -> None:
        if self._path is not None:
            os.close(self._file)
            self._path = None

    def _open(self, path: Path, position: int) -> None:
        self.close()
        self._file = os.open(path, os.O_RDWR if position else os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self._path = path
        if position == 0:
            sync_directory(path.parent)

    def undo(self, position: int) -> None:
        """Append nothing after all: what the file holds from `position` on is unknown and is cut off; leave it."""
        if self._path is None:
            return
        with suppress(OSError):
            os.ftruncate(self._file, position)
            if position == 0:
                self._path.unlink()
        self.close()


sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


def write_all(file: int, data: bytes, position: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, position)
        view, position = view[written:], position + written


def sync_directory(directory: Path) -> None:
    file = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
