"""Appending to one event hub with group commit: whatever queued up while a send was in flight is one message.

An idle log sends at once. A lane that is busy gathers a little longer, because the SDK needs as much time for a message
as Rank needs for several events.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared import telemetry
from shared.errors import ApiError
from shared.hubs.events import LARGEST_EVENT_BYTES

# Event Hubs bills a message per 64 KB begun, and on the Basic tier takes 256 KB at most. Three times 65,536, less the
# message's own overhead, cost no more per byte than one, and the SDK a third per event.
MESSAGE_BYTES = 192_000
GATHER_SECONDS = 0.005
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.05, 2.0
TIMER_SECONDS = 0.001  # how much too early an event loop may run a timer
MOST_EVENTS = 65_536  # more than a message can hold

_log = logging.getLogger(__name__)


class LogUnavailable(Exception):
    """The event was not acknowledged in time and is withdrawn; if it was on its way, it may have arrived."""


class MessageRefused(Exception):
    """The hub will never take this message: it is too large."""


def too_large(size: int, largest: int | None = None) -> ApiError:
    """What is answered for an event of so many bytes. largest: the setting, None if the hub itself takes less."""
    limit = f"EVENT_HUBS_MAX_EVENT_BYTES allows {largest}" if largest else "the event hub takes no message of that size"
    hint = "send fewer features" if largest else "send fewer features, and lower EVENT_HUBS_MAX_EVENT_BYTES"
    return ApiError(
        "PayloadSizeExceeded", f"Exceeds maximum allowed payload size: {size} bytes as logged; {limit}; {hint}."
    )


@dataclass(slots=True, eq=False)
class _Entry:
    event: bytes
    acknowledged: asyncio.Future[bool]
    deadline: float
    keep: bool
    kept: bool = False

    @property
    def live(self) -> bool:
        """False once nobody waits for it any more and it is not kept either: it was withdrawn or dropped."""
        return self.kept or not self.acknowledged.done()


class EventLog:
    """One event hub as a log.

    send: sends one message to a partition and returns when it is durable; raises MessageRefused for one that can never
    be sent, anything else for one that cannot be sent now.
    timeout: seconds an `append` waits. buffer_bytes: bound on events kept after their `append` returned False.
    largest: bytes of an event at most. dropped, refused: events that were lost since the process began, because too
    many were kept and because the hub refuses them for ever.
    """

    def __init__(
        self,
        send: Callable[[int, bytes], Awaitable[None]],
        timeout: float,
        buffer_bytes: int,
        largest: int = LARGEST_EVENT_BYTES,
    ) -> None:
        self.send = send
        self._timeout, self._buffer_bytes, self._largest = timeout, buffer_bytes, largest
        self.message_bytes = min(MESSAGE_BYTES, largest)
        self._lanes: dict[int, _Lane] = {}
        self._kept_bytes = 0
        self.dropped = self.refused = 0

    @property
    def reachable(self) -> bool:
        """False while events wait for a partition that does not take them."""
        return not any(lane.failing for lane in self._lanes.values())

    async def append(self, partition: int, event: bytes, *, keep: bool = False) -> bool:
        """Appends one encoded event; True once it is acknowledged.

        When the log does not answer in time: with `keep` the event stays queued for retry and the answer is
        False, at once if the log is known to be away; without, LogUnavailable is raised and the event withdrawn.
        Raises PayloadSizeExceeded for an event that is too large.
        """
        if len(event) > self._largest:
            raise too_large(len(event), self._largest)
        lane = self._lanes.get(partition)
        if lane is None:
            lane = self._lanes[partition] = _Lane(partition, self)
        loop = asyncio.get_running_loop()
        entry = _Entry(event, loop.create_future(), loop.time() + self._timeout, keep)
        if keep and lane.failing:
            self.expire(entry)
        if entry.live:
            lane.add(entry)
        return await entry.acknowledged

    async def flush(self) -> None:
        """Returns when everything queued has been acknowledged, dropped or withdrawn."""
        await asyncio.gather(*(lane.task for lane in self._lanes.values() if lane.task))

    def expire(self, entry: _Entry) -> None:
        """Ends the wait of an entry's `append`; afterwards the entry is kept for retry or gone."""
        if not entry.keep:
            entry.acknowledged.set_exception(LogUnavailable("the event log did not acknowledge in time"))
            return
        entry.kept = self._kept_bytes + len(entry.event) <= self._buffer_bytes
        if entry.kept:
            self._kept_bytes += len(entry.event)
        else:
            self.dropped += 1
        entry.acknowledged.set_result(False)

    def release(self, entry: _Entry) -> None:
        """Gives back the room of an event that arrived after all, or never will."""
        self._kept_bytes -= len(entry.event)

    def refuse(self, entry: _Entry, partition: int, reason: str) -> None:
        """Gives up an event that the hub will never take."""
        self.refused += 1
        size = len(entry.event)
        telemetry.error(
            _log, f"Event log, partition {partition}: an event of {size} bytes was refused and is lost: {reason}"
        )
        if entry.kept:
            self.release(entry)
        elif not entry.acknowledged.done():
            entry.acknowledged.set_exception(too_large(size))


class _Lane:
    """The queue of one partition; at most one message is in flight, so its order is the order of arrival."""

    def __init__(self, partition: int, log: EventLog) -> None:
        self._partition, self._log = partition, log
        self._queue: deque[_Entry] = deque()
        self._flight: list[_Entry] = []
        self._waiting: deque[_Entry] = deque()  # those whose `append` may still wait, by deadline
        self._timer: asyncio.TimerHandle | None = None
        self._most = MOST_EVENTS  # in a message; less while one is looked for that the hub refuses
        self.failing = False
        self.task: asyncio.Task[None] | None = None

    def add(self, entry: _Entry) -> None:
        loop = asyncio.get_running_loop()
        self._queue.append(entry)
        self._waiting.append(entry)
        if self._timer is None:
            self._timer = loop.call_at(entry.deadline, self._sweep)
        if self.task is None or self.task.done():
            self.task = loop.create_task(self._drain())

    def _sweep(self) -> None:
        """Ends the waits that are over. One timer does for all: deadlines are in order of arrival."""
        loop = asyncio.get_running_loop()
        self._timer, due = None, loop.time() + TIMER_SECONDS
        self._forget_done()
        while self._waiting and self._waiting[0].deadline <= due:
            self._away("no answer in time")
            self._log.expire(self._waiting.popleft())
            self._forget_done()
        while self._queue and not self._queue[0].live:
            self._queue.popleft()
        if self._waiting:
            self._timer = loop.call_at(self._waiting[0].deadline, self._sweep)

    def _forget_done(self) -> None:
        while self._waiting and self._waiting[0].acknowledged.done():
            self._waiting.popleft()

    async def _drain(self) -> None:
        retry = FIRST_RETRY_SECONDS
        while self._take():
            try:
                await self._log.send(self._partition, b"".join([entry.event for entry in self._flight]))
            except MessageRefused as refusal:
                self._single_out(str(refusal))
            except Exception as error:
                self._away(str(error))
                await asyncio.sleep(retry)
                retry = min(2 * retry, LAST_RETRY_SECONDS)
            else:
                busy = len(self._flight) > 1
                self._acknowledge()
                retry = FIRST_RETRY_SECONDS
                if busy:
                    await asyncio.sleep(GATHER_SECONDS)
        self.failing, self.task = False, None

    def _single_out(self, reason: str) -> None:
        """Halves what is sent until the refused event is alone, and goes on without it."""
        if len(self._flight) > 1:
            self._most = len(self._flight) // 2
            return
        self._log.refuse(self._flight.pop(), self._partition, reason)
        self._forget_done()

    def _away(self, reason: str) -> None:
        if not self.failing:
            telemetry.notice(_log, f"Event log, partition {self._partition}, is away: {reason}")
        self.failing = True

    def _acknowledge(self) -> None:
        if self.failing:
            telemetry.notice(_log, f"Event log, partition {self._partition}, is back.")
        self.failing = False
        for entry in self._flight:
            if entry.kept:
                self._log.release(entry)
            elif not entry.acknowledged.done():
                entry.acknowledged.set_result(True)
        self._flight = []
        self._most = min(2 * self._most, MOST_EVENTS)
        self._forget_done()

    def _take(self) -> bool:
        """Moves what fits one message from the queue into flight, first what did not arrive, without what is gone."""
        self._queue.extendleft(reversed(self._flight))
        self._flight, size, fits = [], 0, self._log.message_bytes
        while len(self._flight) < self._most and self._queue and (not size or size + len(self._queue[0].event) <= fits):
            entry = self._queue.popleft()
            if entry.live:
                self._flight.append(entry)
                size += len(entry.event)
        return bool(self._flight)
