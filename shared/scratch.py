"""Folders for files that a process needs for a while, and files that are made only when they are large.

Folders of processes that were killed are swept.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

PREFIX = "open-personalizer"
# In bytes: what is no larger is held in memory, for to make a file and delete it costs more than to fill it.
HELD = 65_536
_NAME = re.compile(rf"{PREFIX}-(\d+)-.+")


class Spool:
    """What is written once: held in memory up to `most` bytes, and beyond that in a file.

    The file is made when it is needed; at once if nothing is to be held.
    """

    def __init__(self, file: Path, most: int = HELD) -> None:
        self._path, self._most = file, most
        self._held = bytearray()
        self._file: BinaryIO | None = None if most else file.open("wb")

    def write(self, data: bytes) -> None:
        if self._file is not None:
            self._file.write(data)
            return
        self._held += data
        if len(self._held) > self._most:
            self._file = self._path.open("wb")
            self._file.write(self._held)
            self._held = bytearray()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def content(self) -> bytes | Path:
        """All that was written, once it is closed: the bytes, or the file that has them."""
        return bytes(self._held) if self._file is None else self._path


def folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that is deleted when its block ends. Its name says whose it is."""
    return tempfile.TemporaryDirectory(prefix=f"{PREFIX}-{os.getpid()}-")


def sweep() -> int:
    """Deletes the folders of processes that have ended without doing so; the number of folders."""
    left = [found for found in Path(tempfile.gettempdir()).iterdir() if _is_left(found.name)]
    for found in left:
        shutil.rmtree(found, ignore_errors=True)
    return len(left)


def _is_left(name: str) -> bool:
    match = _NAME.fullmatch(name)
    if match is None:
        return False
    try:
        os.kill(int(match[1]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # it runs, and is another user's
        return False
    return False
