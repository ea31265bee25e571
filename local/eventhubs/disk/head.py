"""The head file: the last acknowledged event of a partition.

It is written after every sync and before the acknowledgements, so that after a crash a torn tail (never acknowledged)
is told from damage (acknowledged, then lost), and sequence numbers are not given twice.
"""

import os
import struct
import zlib
from pathlib import Path
from typing import NamedTuple, Self

from .segments import Key

_BODY = struct.Struct(">qqqq")


class Head(NamedTuple):
    """Key of the last event, and the offset the next one gets."""

    last: Key
    next_offset: int

    @classmethod
    def empty(cls) -> Self:
        return cls(Key(-1, -1, 0), 0)

    def encode(self) -> bytes:
        body = _BODY.pack(*self.last, self.next_offset)
        return body + zlib.crc32(body).to_bytes(4, "big")

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """None if there is no readable head."""
        raw = path.read_bytes() if path.exists() else b""
        if len(raw) != _BODY.size + 4 or zlib.crc32(raw[:-4]) != int.from_bytes(raw[-4:], "big"):
            return None
        sequence, offset, enqueued, next_offset = _BODY.unpack(raw[:-4])
        return cls(Key(sequence, offset, enqueued), next_offset)


class HeadFile:
    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)

    def write(self, head: bytes) -> None:
        os.pwrite(self._file, head, 0)

    def close(self) -> None:
        os.close(self._file)
