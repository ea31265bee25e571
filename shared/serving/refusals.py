"""What one process has refused, by loop and error code, in a small blob of its own. `GET /metrics` adds the blobs up.

The trainer takes over the counts of a blob that has not changed for long, and marks it before it does: this process
then finds that it can no longer write it, and begins another one with what the first does not have.
"""

import asyncio
import logging
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping

import msgspec

from shared import telemetry
from shared.errors import ApiError
from shared.storage import Conflict, Storage, StorageUnavailable

PREFIX = "processes/"
# In place of an error code, of requests that were answered: what `oddities` has noted of them is behind the slash.
NOTED = "Noted"
SECONDS = 60.0  # at most one write in so many

# By the home of a loop and the code of an error: `InvalidRankRequest`, or `InvalidRankRequest/TooExpensive`.
Counts = dict[str, dict[str, int]]
_log = logging.getLogger(__name__)


class Refused(msgspec.Struct, frozen=True):
    """A blob. at: when it was written, s since 1970; taken: that the trainer takes its counts over."""

    at: float
    counts: Counts
    taken: bool = False


def decode(data: bytes) -> Refused | None:
    """What a blob says; None if it is damaged."""
    try:
        return msgspec.json.decode(data, type=Refused)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class Refusals:
    """Counts, and writes what it has counted behind the requests. Storage that is away is asked again later."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._stored: Counts = {}
        self._name = _new_name()
        self._etag: str | None = None
        self._tried = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def count(self, home: str, error: ApiError) -> None:
        """Counts an answer to a request for the loop whose home it is."""
        self.add(home, f"{error.code}/{error.inner}" if error.inner else error.code)

    def add(self, home: str, code: str) -> None:
        """Counts one of a code, as `Counts` has it."""
        self._counts[home][code] += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_in_time())

    async def close(self) -> None:
        """Writes what is not written yet."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            for _ in range(2):  # the first one may find that the blob has been taken over
                await self._write()

    async def _write_in_time(self) -> None:
        while self._counts != self._stored:
            await asyncio.sleep(max(0.0, self._tried + SECONDS - time.monotonic()))
            await self._write()

    async def _write(self) -> None:
        if self._counts == self._stored:
            return
        self._tried = time.monotonic()
        counts: Counts = {home: dict(codes) for home, codes in self._counts.items()}
        try:
            try:
                data = msgspec.json.encode(Refused(time.time(), counts))
                self._etag, self._stored = await self._storage.replace(self._name, data, self._etag), counts
            except Conflict:
                await self._read_back()
        except StorageUnavailable as error:
            telemetry.notice(_log, f"What was refused could not be stored: {error}")

    async def _read_back(self) -> None:
        """The blob is as an earlier write left it whose answer was lost; or the trainer has taken it over."""
        blob = await self._storage.read(self._name)
        found = decode(blob.data) if blob is not None else None
        if blob is not None and found is not None and not found.taken:
            self._etag, self._stored = blob.etag, found.counts
            return
        known = found.counts if found is not None else self._stored
        self._name, self._etag, self._stored = _new_name(), None, {}
        self._counts = defaultdict(Counter, _less(self._counts, known))


def _less(counts: Mapping[str, Mapping[str, int]], known: Counts) -> dict[str, Counter[str]]:
    left = {home: Counter(codes) - Counter(known.get(home, {})) for home, codes in counts.items()}
    return {home: codes for home, codes in left.items() if codes}


def _new_name() -> str:
    return f"{PREFIX}{uuid.uuid4().hex}.json"
