"""A partition at work: group commit of appends, readers woken when events are durable, epochs per consumer group."""

import asyncio
import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from .codec import errors
from .codec.errors import AmqpError
from .codec.messages import Event
from .disk.committing import CommitThread
from .disk.partition_log import PartitionLog, Retention, Write

MAX_PENDING = 8 << 20
"""Bytes waiting for the disk above which producers are no longer read."""
MAX_READERS_WITHOUT_EPOCH = 5

Settle = Callable[[AmqpError | None], None]
_log = logging.getLogger("eventhubs")


class Reader(Protocol):
    epoch: int | None

    def pump(self) -> None:
        """New events are durable."""

    def refuse(self, error: AmqpError) -> None:
        """The reader has lost its place."""


class Partition:
    def __init__(self, name: str, directory: Path, retention: Retention, loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self.log = PartitionLog(directory)
        self._retention = retention
        self._loop = loop
        self._thread = CommitThread(loop)
        self._pending: deque[tuple[list[Event], int, Settle]] = deque()
        self._pending_bytes = 0
        self._busy = False
        self._time_floor = 0
        self._barriers: list[Callable[[], None]] = []
        self._blocked: list[Callable[[], None]] = []
        self._idle_readers: set[Reader] = set()
        self._groups: dict[str, list[Reader]] = defaultdict(list)

    def append(self, events: list[Event], size: int, settle: Settle) -> None:
        """Append `events` (`size` bytes) atomically; `settle` is called when they are durable, or with the error."""
        self._pending.append((events, size, settle))
        self._pending_bytes += size
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._commit)  # after everything that arrived in this turn of the loop

    def when_writable(self, resume: Callable[[], None]) -> bool:
        """False if too much waits for the disk; `resume` is then called when it no longer does."""
        if self._pending_bytes <= MAX_PENDING:
            return True
        self._blocked.append(resume)
        return False

    def barrier(self, done: Callable[[], None]) -> None:
        """Call `done` when every event stamped up to now is durable or rejected. Later ones get a later time."""
        self._time_floor = max(self._time_floor, _now() + 1)
        if self._busy:
            self._barriers.append(done)
        else:
            done()

    def _commit(self) -> None:
        group: list[tuple[list[Event], int, Settle]] = []
        size = 0
        while self._pending and (not group or size + self._pending[0][1] <= MAX_PENDING):
            group.append(self._pending.popleft())
            size += group[-1][1]
        write = self.log.stamp((events for events, _, _ in group), max(_now(), self._time_floor))
        settles = [settle for _, _, settle in group]
        self._thread.submit(partial(self.log.perform, write), partial(self._committed, write, settles, size))

    def _committed(self, write: Write, settles: list[Settle], size: int, failure: Exception | None) -> None:
        error = None
        if failure is None:
            self.log.succeeded(write)
            if write.position == 0:
                self.expire()
        else:
            self.log.failed()
            _log.error("write to %s failed, %d sends are rejected: %s", write.segment.path, len(settles), failure)
            error = AmqpError(errors.INTERNAL, f"the events could not be stored, nothing was kept: {failure}")
        barriers, self._barriers = self._barriers, []
        if barriers:  # what is acknowledged now may have the time of the floor itself
            self._time_floor = max(self._time_floor, _now()) + 1
        self._pending_bytes -= size
        self._busy = bool(self._pending)
        if self._busy:
            self._commit()
        for settle in settles:
            settle(error)
        for done in barriers:
            done()
        self._wake()

    def _wake(self) -> None:
        readers, self._idle_readers = self._idle_readers, set()
        for reader in readers:
            reader.pump()
        if self._pending_bytes <= MAX_PENDING:
            blocked, self._blocked = self._blocked, []
            for resume in blocked:
                resume()

    def admit(self, group: str, reader: Reader) -> None:
        """Let `reader` in, by the rules of epochs. Raises AmqpError if another has the place."""
        others = self._groups[group.lower()]
        epochs = [other.epoch for other in others if other.epoch is not None]
        highest = max(epochs, default=None)
        if highest is not None and (reader.epoch is None or reader.epoch < highest):
            raise AmqpError(errors.STOLEN, f"a reader with epoch {highest} has this partition; use a higher epoch")
        if reader.epoch is None and len(others) >= MAX_READERS_WITHOUT_EPOCH:
            text = f"at most {MAX_READERS_WITHOUT_EPOCH} readers without epoch per consumer group; close one first"
            raise AmqpError(errors.LIMIT_EXCEEDED, text)
        if reader.epoch is not None:
            for other in tuple(others):
                other.refuse(AmqpError(errors.STOLEN, f"a reader with epoch {reader.epoch} has taken this partition"))
        self._groups[group.lower()].append(reader)

    def leave(self, group: str, reader: Reader) -> None:
        self._idle_readers.discard(reader)
        readers = self._groups[group.lower()]
        if reader in readers:
            readers.remove(reader)
        if not readers:
            del self._groups[group.lower()]

    def wait(self, reader: Reader) -> None:
        """Pump `reader` when there are new events."""
        self._idle_readers.add(reader)

    def expire(self) -> None:
        """Delete what is older or more than is kept."""
        self._delete(lambda: self.log.expire(self._retention, time.time()))

    def release(self, through: int, before: int) -> None:
        """Delete what nobody needs any more: events up to a sequence number, enqueued before a time in ms."""
        self._delete(lambda: self.log.release(through, before))

    def _delete(self, work: Callable[[], None]) -> None:
        """A disk that deletes nothing now is asked again later; events come and go meanwhile."""
        try:
            work()
        except OSError as error:
            _log.error("old events in %s are not deleted yet: %s", self.log.directory, error)

    def close(self) -> None:
        self._thread.stop()
        self.log.close()


def _now() -> int:
    return time.time_ns() // 1_000_000
