"""The durable log of one partition: stamps events, knows its segments, recovers after a crash, expires old segments."""

import logging
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..codec.messages import Event
from . import records
from .head import Head, HeadFile
from .reading import Damage
from .recovery import recover
from .segments import Key, Segment
from .writing import SegmentWriter, sync_directory

SEGMENT_SIZE = 8 << 20
"""Bytes. Small segments keep start-up and seeking quick: only the last is read at start, at most one by a seek."""
SEGMENT_MS = 600_000
"""The events of a segment are at most so far apart: those that nobody needs leave with it, however few come."""

_log = logging.getLogger("eventhubs")


@dataclass(frozen=True, slots=True)
class Write:
    """Stamped events on their way to disk."""

    segment: Segment
    position: int
    data: bytes
    keys: list[Key]
    head: Head


@dataclass(frozen=True, slots=True)
class Retention:
    seconds: float
    size: int | None = None
    """Bytes of a partition, None for no limit."""


class PartitionLog:
    """Everything but `perform` is called from one thread; `perform` may run in another, one write at a time."""

    def __init__(self, directory: Path, segment_size: int = SEGMENT_SIZE) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._segment_size = segment_size
        self._reported: set[tuple[Path, int]] = set()
        head_path = directory / "head"
        known = Head.read(head_path)
        if known is None and head_path.exists():
            _log.warning("damage: %s is unreadable; the last acknowledged event is taken from the segments", head_path)
        self.segments = sorted(filter(None, map(Segment.found, directory.iterdir())), key=lambda each: each.first)
        recovered = recover(self.segments, known, self.report)
        self.head = recovered.head
        self._sealed = recovered.sealed
        self._is_writing = False
        self._writer = SegmentWriter()
        self._head_file = HeadFile(head_path)
        self._head_file.write(self.head.encode())

    @property
    def first_sequence(self) -> int:
        """Of the first kept event; of the next one if none is kept."""
        return self.segments[0].first.sequence if self.segments else self.head.last.sequence + 1

    def report(self, damage: Damage) -> None:
        """Say on the log what was lost, once per place."""
        if (damage.path, damage.position) not in self._reported:
            self._reported.add((damage.path, damage.position))
            _log.warning("damage: %s", damage)

    def stamp(self, appends: Iterable[list[Event]], now: int) -> Write:
        """Give the events of `appends` their sequence numbers, offsets and enqueued time (milliseconds)."""
        self._is_writing = True
        segment = self._target(now)
        offset = segment.end_offset
        last, data, keys = self.head.last, [], []
        enqueued = max(now, last.enqueued)
        sequence = last.sequence
        for events in appends:
            remaining = len(events)
            for event in events:
                sequence, remaining = sequence + 1, remaining - 1
                record = records.encode(event.stamped(sequence, offset, enqueued), remaining, sequence, enqueued)
                keys.append(Key(sequence, offset, enqueued))
                data.append(record)
                offset += len(record)
        return Write(segment, segment.size, b"".join(data), keys, Head(keys[-1], offset))

    def perform(self, write: Write) -> None:
        """Make `write` durable. Raises OSError if it is not."""
        self._writer.append(write.segment.path, write.position, write.data)
        try:
            self._head_file.write(write.head.encode())
        except OSError:
            self._writer.undo(write.position)
            raise

    def succeeded(self, write: Write) -> None:
        """Make a durable write visible."""
        self._is_writing = False
        segment = write.segment
        if not self.segments or self.segments[-1] is not segment:
            self.segments.append(segment)
        segment.size += len(write.data)
        for key in write.keys:
            segment.note(key)
        self.head = write.head

    def failed(self) -> None:
        """Never write to a segment again after an error: what the disk holds behind its durable end is unknown."""
        self._is_writing, self._sealed = False, True

    def after(self, segment: Segment) -> Segment | None:
        index = bisect_right(self.segments, segment.first, key=lambda each: each.first)
        return self.segments[index] if index < len(self.segments) else None

    def expire(self, retention: Retention, now: float) -> None:
        """Delete whole segments that are older than allowed (`now` in seconds) or more than fit; never the last."""
        oldest = int((now - retention.seconds) * 1000)
        total = sum(segment.size for segment in self.segments)
        while len(self.segments) > 1:
            segment, following = self.segments[:2]
            if following.first.enqueued >= oldest and (retention.size is None or total <= retention.size):
                break
            total -= segment.size
            self._drop_first()

    def release(self, through: int, before: int) -> None:
        """Delete whole segments of events up to a sequence number, enqueued before a time in ms.

        Behind the last one goes an empty one, whose name says where the partition goes on: the head may be lost.
        """
        last = self.head.last
        is_done = last.sequence <= through and last.enqueued < before
        if is_done and not self._is_writing and self.segments and self.segments[-1].size:
            following = Segment.at(self.directory, Key(last.sequence + 1, self.head.next_offset, last.enqueued))
            following.path.touch()
            self.segments.append(following)
        while len(self.segments) > 1:
            following = self.segments[1]
            if following.first.sequence > through + 1 or following.first.enqueued >= before:
                return
            if not following.size:
                sync_directory(self.directory)
            self._drop_first()

    def _drop_first(self) -> None:
        self.segments[0].path.unlink(missing_ok=True)
        del self.segments[0]

    def close(self) -> None:
        self._writer.close()
        self._head_file.close()

    def _target(self, now: int) -> Segment:
        newest = self.segments[-1] if self.segments else None
        if newest and now - newest.first.enqueued < SEGMENT_MS:
            is_next = newest.first.sequence == self.head.last.sequence + 1
            if is_next or (not self._sealed and newest.size < self._segment_size):
                return newest
        self._sealed = False
        last = self.head.last
        return Segment.at(self.directory, Key(last.sequence + 1, self.head.next_offset, max(now, last.enqueued)))
