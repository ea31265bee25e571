"""Stores when the trainer last completed a tick, because idle loops store nothing."""

import logging
import time

import msgspec

from shared import telemetry
from shared.storage import Storage, StorageUnavailable

BLOB = "trainer.json"
SECONDS = 60.0  # at most one in so many
SILENCE = 3 * SECONDS

_log = logging.getLogger(__name__)


class Heartbeat(msgspec.Struct, frozen=True):
    """When the last tick began that ran to its end (s since 1970), and how long it took (s).

    behind: since when (s since 1970) a loop has had interactions that should be closed and are not; loops that are
    not in it have none.
    """

    ticked: float = 0.0
    duration: float = 0.0
    behind: dict[str, float] = {}

    def lag(self, loop: str, now: float) -> float:
        """For how long (s) interactions of a loop that are due to be closed may have waited.

        Without a complete tick for SILENCE, nothing is known but that the trainer stands still: since its last one.
        """
        since = self.behind.get(loop, now)
        silent = self.ticked and now - self.ticked - self.duration > SILENCE
        return max(0.0, now - (min(since, self.ticked) if silent else since))


_decoder = msgspec.json.Decoder(Heartbeat)


async def load(storage: Storage) -> Heartbeat:
    """The last one that any trainer stored, an empty one if there is none. May raise StorageUnavailable."""
    blob = await storage.read(BLOB)
    try:
        return _decoder.decode(blob.data) if blob else Heartbeat()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Heartbeat()


class Pulse:
    """Stores heartbeats. With several trainers the last one wins: each tells of all loops."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._stored = 0.0
        self._last = Heartbeat()

    async def recall(self) -> dict[str, float]:
        """At the start of a process: which loops the trainers before it left behind, and since when."""
        try:
            self._last = await load(self._storage)
        except StorageUnavailable as error:
            telemetry.notice(_log, f"The last heartbeat could not be read: {error}")
        return dict(self._last.behind)

    async def beat(self, behind: dict[str, float], began: float, *, done: bool) -> None:
        """Stores one if it is time. began: when the tick began (s since 1970) that is `done` now, or takes long."""
        now = time.time()
        if done:
            self._last = Heartbeat(began, now - began)
        self._last = msgspec.structs.replace(self._last, behind=behind)
        if now - max(self._stored, 0.0 if done else began) < SECONDS:
            return
        try:
            await self._storage.put(BLOB, msgspec.json.encode(self._last))
        except StorageUnavailable as error:
            telemetry.notice(_log, f"The heartbeat could not be stored: {error}")
            return
        self._stored = now
        lag = max((self._last.lag(loop, now) for loop in behind), default=0.0)
        telemetry.tell(_log, "tick", lag_seconds=round(lag, 3), duration_seconds=round(self._last.duration, 3))
