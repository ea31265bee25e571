"""Reading segment files: records in order, over damage, which is reported with what it cost."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from . import records
from .records import MAGIC, Parsed, Record
from .segments import Key, Segment

CHUNK = 256 << 10


class Damage(NamedTuple):
    """Acknowledged events that can no longer be read."""

    path: Path
    position: int
    first_lost: int
    next_kept: int

    def __str__(self) -> str:
        lost = f"sequence numbers {self.first_lost} to {self.next_kept - 1} ({self.next_kept - self.first_lost} events)"
        return f"{self.path} is damaged at byte {self.position}: {lost} are lost, all others are kept"


Report = Callable[[Damage], None]


class SegmentReader:
    """Reads one segment's durable records. The file stays readable after retention has deleted it."""

    def __init__(self, segment: Segment, report: Report, position: int = 0, expected: int | None = None) -> None:
        """`expected` is the sequence number of the record at `position`, None if that is not known."""
        self.segment = segment
        self.position = position
        self.expected = expected
        self.damaged_at: int | None = None
        self._report = report
        self._file = os.open(segment.path if segment.path.exists() else os.devnull, os.O_RDONLY)

    def close(self) -> None:
        os.close(self._file)

    def read(self, limit: int) -> list[Record]:
        """The next records, at most `limit` and about CHUNK bytes; none at the segment's (current) end."""
        parsed = self._parse(self.position, limit)
        if not parsed.records and not parsed.needed:
            self.damaged_at = self.position
            parsed = self._parse(self._resume(), limit)
        self.position = parsed.end
        if parsed.records:
            self._advance(parsed.records)
        return parsed.records

    def check(self, sequence: int) -> None:
        """Report the gap if the next record, or the next segment, begins later than expected."""
        if self.expected is not None and sequence > self.expected:
            where = self.position if self.damaged_at is None else self.damaged_at
            self._report(Damage(self.segment.path, where, self.expected, sequence))

    def _advance(self, found: list[Record]) -> None:
        self.check(found[0].sequence)
        self.expected, self.damaged_at = found[-1].sequence + 1, None
        segment = self.segment
        for record in found:
            if record.position >= segment.indexed:
                segment.note(Key(record.sequence, segment.first.offset + record.position, record.enqueued))

    def _parse(self, position: int, limit: int) -> Parsed:
        """Nothing found and nothing needed means that the bytes at `position` are no record."""
        size, wanted = self.segment.size, CHUNK
        while True:
            chunk = self._bytes(position, min(wanted, size - position))
            parsed = records.parse(memoryview(chunk), position, limit)
            if parsed.records or not parsed.needed or position >= size:
                return parsed
            if len(chunk) < wanted:
                return parsed._replace(needed=0)
            wanted = parsed.needed

    def _bytes(self, position: int, size: int) -> bytes:
        try:
            return os.pread(self._file, size, position) if size > 0 else b""
        except OSError:
            return b""

    def _resume(self) -> int:
        """The position behind damage where a record newer than those read starts, or the segment's end."""
        position, after = self.position + 1, self.expected or 0
        while window := self._bytes(position, min(CHUNK, self.segment.size - position)):
            found = window.find(MAGIC)
            while found >= 0:
                first = self._parse(position + found, 1).records
                if first and first[0].sequence >= after:
                    return position + found
                found = window.find(MAGIC, found + 1)
            position += max(len(window) - len(MAGIC) + 1, 1)
        return self.segment.size
