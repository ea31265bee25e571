"""A reader's place in a partition: found by sequence number, offset or time, then moved forward through the log."""

from bisect import bisect_left
from typing import NamedTuple

from .partition_log import PartitionLog
from .reading import SegmentReader
from .records import Record
from .segments import Key, Segment


class Start(NamedTuple):
    """The first event whose key has at least `value` in `field` (an index into Key)."""

    field: int
    value: int


class Cursor:
    def __init__(self, log: PartitionLog, start: Start) -> None:
        self._log = log
        self._reader: SegmentReader | None = None
        if log.segments:
            self._seek(start)

    def close(self) -> None:
        if self._reader:
            self._reader.close()
            self._reader = None

    def read(self, limit: int) -> list[Record]:
        """The next durable events in order, at most `limit`, often fewer; none at the end of the log."""
        while reader := self._reader or self._enter_first():
            if found := reader.read(limit):
                return found
            following = self._log.after(reader.segment)
            if following is None:
                break
            self._enter(following)
        return []

    def _seek(self, start: Start) -> None:
        field, value = start
        segments = self._log.segments
        index = max(bisect_left(segments, value, key=lambda segment: segment.first[field]) - 1, 0)
        segment = segments[index]
        position = segment.before(field, value)
        self._reader = SegmentReader(segment, self._log.report, position, None if position else segment.first.sequence)
        while found := self.read(1024):
            segment = self._reader.segment
            for record in found:
                if Key(record.sequence, segment.first.offset + record.position, record.enqueued)[field] >= value:
                    self._reader.position, self._reader.expected = record.position, record.sequence
                    return

    def _enter_first(self) -> SegmentReader | None:
        return self._enter(self._log.segments[0]) if self._log.segments else None

    def _enter(self, segment: Segment) -> SegmentReader:
        """Go on at the start of `segment`; a gap before it is damage unless retention made it."""
        entered = SegmentReader(segment, self._log.report, expected=segment.first.sequence)
        if self._reader:
            if self._reader.segment.first >= self._log.segments[0].first:
                self._reader.check(segment.first.sequence)
            self._reader.close()
        self._reader = entered
        return entered
