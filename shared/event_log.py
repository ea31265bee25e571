"""Appending to one event hub with group commit: whatever queued up while a send was in flight is one message."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

# Event Hubs bills a message per 64 KB begun; the rest of 65,536 is the message's own overhead.
MESSAGE_BYTES = 64_000
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.05, 2.0

_log = logging.getLogger(__name__)


class LogUnavailable(Exception):
    """The event was not acknowledged in time and will not be sent."""


@dataclass(slots=True, eq=False)
class _Entry:
    event: bytes
    acknowledged: asyncio.Future[bool]
    deadline: float
    keep: bool


class EventLog:
    """One event hub as a log.

    send: sends one message to a partition and returns when it is durable; raises otherwise.
    timeout: seconds an `append` waits. buffer_bytes: bound on events kept after their `append` returned False.
    """

    def __init__(self, send: Callable[[int, bytes], Awaitable[None]], timeout: float, buffer_bytes: int) -> None:
        self._send, self._timeout, self._buffer_bytes = send, timeout, buffer_bytes
        self._lanes: dict[int, _Lane] = {}
        self._kept_bytes = 0
        self.dropped = 0

    @property
    def reachable(self) -> bool:
        """False while the last send to any partition failed."""
        return not any(lane.failing for lane in self._lanes.values())

    async def append(self, partition: int, event: bytes, *, keep: bool = False) -> bool:
        """Appends one encoded event; True once it is acknowledged.

        When the log does not answer in time: with `keep` the event stays queued for retry and the answer is
        False, at once if the log is known to be away; without, LogUnavailable is raised and the event withdrawn.
        """
        lane = self._lanes.get(partition)
        if lane is None:
            lane = self._lanes[partition] = _Lane(partition, self)
        loop = asyncio.get_running_loop()
        entry = _Entry(event, loop.create_future(), loop.time() + self._timeout, keep)
        lane.add(entry)
        if keep and lane.failing:
            lane.expire(entry)
        return await entry.acknowledged

    async def flush(self) -> None:
        """Returns when everything queued has been acknowledged, dropped or withdrawn."""
        await asyncio.gather(*(lane.task for lane in self._lanes.values() if lane.task))

    def retain(self, entry: _Entry) -> bool:
        """Makes room for an event that outlives its request; False, and counted, if there is none."""
        if self._kept_bytes + len(entry.event) > self._buffer_bytes:
            self.dropped += 1
            return False
        self._kept_bytes += len(entry.event)
        return True

    def release(self, entry: _Entry) -> None:
        """Gives back the room of an event that arrived after all."""
        self._kept_bytes -= len(entry.event)

    async def send(self, partition: int, message: bytes) -> None:
        await self._send(partition, message)


class _Lane:
    """The queue of one partition; at most one message is in flight, so its order is the order of arrival."""

    def __init__(self, partition: int, log: EventLog) -> None:
        self._partition, self._log = partition, log
        self._queue: deque[_Entry] = deque()
        self._flight: list[_Entry] = []
        self.failing = False
        self.task: asyncio.Task[None] | None = None

    def add(self, entry: _Entry) -> None:
        self._queue.append(entry)
        if self.task is None:
            loop = asyncio.get_running_loop()
            self.task = loop.create_task(self._drain())
            loop.call_at(entry.deadline, self._sweep)

    def expire(self, entry: _Entry) -> None:
        """Ends the wait of an entry's `append`; afterwards the entry is kept for retry or gone."""
        if entry.acknowledged.done():
            return
        if not entry.keep:
            entry.acknowledged.set_exception(LogUnavailable("the event log did not acknowledge in time"))
            return
        entry.keep = self._log.retain(entry)
        entry.acknowledged.set_result(False)

    def _sweep(self) -> None:
        if self.task is None:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + 0.001
        waiting = [entry for entry in (*self._flight, *self._queue) if not entry.acknowledged.done()]
        for entry in waiting:
            if entry.deadline <= due:
                self.expire(entry)
        later = [entry.deadline for entry in waiting if entry.deadline > due]
        loop.call_at(min(later, default=due + 0.25), self._sweep)

    async def _drain(self) -> None:
        retry = FIRST_RETRY_SECONDS
        while self._take():
            try:
                await self._log.send(self._partition, b"".join([entry.event for entry in self._flight]))
            except Exception as error:
                if not self.failing:
                    _log.warning("Event log, partition %d, is away: %s", self._partition, error)
                self.failing = True
                self._queue.extendleft(reversed(self._flight))
                self._flight = []
                await asyncio.sleep(retry)
                retry = min(2 * retry, LAST_RETRY_SECONDS)
            else:
                self._acknowledge()
                retry = FIRST_RETRY_SECONDS
        self.task = None

    def _acknowledge(self) -> None:
        if self.failing:
            _log.warning("Event log, partition %d, is back.", self._partition)
        self.failing = False
        for entry in self._flight:
            if entry.acknowledged.done():
                if entry.keep:
                    self._log.release(entry)
            else:
                entry.acknowledged.set_result(True)
        self._flight = []

    def _take(self) -> bool:
        """Moves what fits one message from the queue into flight, without what was withdrawn or dropped."""
        size = 0
        while self._queue and (not size or size + len(self._queue[0].event) <= MESSAGE_BYTES):
            entry = self._queue.popleft()
            if entry.keep or not entry.acknowledged.done():
                self._flight.append(entry)
                size += len(entry.event)
        return bool(self._flight)
