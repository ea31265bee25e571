"""What all processes have refused: the sum of their blobs, and of those that have been folded into one.

A blob is marked as taken, so that its process no longer writes it; then added to the folded one, which names it; then
deleted; and a later fold forgets its name. A trainer that is killed in between leaves what the next one completes. As
the folded blob is read first by who folds, and last by who adds up, no count is added twice, and none is missing.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping

import msgspec

from shared import telemetry
from shared.monitoring.prometheus_text import Family, Sample
from shared.serving import refusals
from shared.serving.refusals import NOTED, PREFIX, Counts, Refused
from shared.storage import Blob, Conflict, Storage, StorageUnavailable

BLOB = "refused.json"
# A process that has written nothing for so long (s) has ended, or has not refused anything since.
SILENCE = 2 * 3600.0
# The folded blob is written at most once in so many seconds, which is longer than adding up takes.
SECONDS = 600.0
LOOKS = 16  # blobs read at once

_log = logging.getLogger(__name__)


class Folded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """at: when it was written, s since 1970. names: of blobs whose counts it has, and which may still be there."""

    at: float = 0.0
    counts: Counts = {}
    names: list[str] = []


async def load(storage: Storage) -> Counts:
    """What was refused, by home and code; may raise StorageUnavailable."""
    processes = await _processes(storage)
    folded = _decode(await storage.read(BLOB)) or Folded()
    return _sum(folded.counts, *(one.counts for name, (_, one) in processes.items() if name not in folded.names))


def families(counts: Mapping[str, Mapping[str, int]]) -> tuple[Family, Family]:
    """The metrics of what was refused, and of what was answered and noted. counts: by loop and code."""
    refused, noted = list[Sample](), list[Sample]()
    for loop, codes in counts.items():
        for one, count in sorted(codes.items()):
            code, _, reason = one.partition("/")
            if code == NOTED:
                noted.append(Sample({"loop": loop, "reason": reason}, count))
            else:
                refused.append(Sample({"loop": loop, "code": code, "reason": reason}, count))
    return _refused(refused), _noted(noted)


def _noted(samples: list[Sample]) -> Family:
    help = "Ranks that were answered and are most likely a mistake; stored once a minute per process."
    return Family("personalizer_odd_ranks_total", "counter", help, samples)


def _refused(samples: list[Sample]) -> Family:
    help = "Requests that were answered with an error, and events refused in batches; stored once a minute per process."
    return Family("personalizer_refused_total", "counter", help, samples)


class Folding:
    """Folds now and then. Any number of trainers may: one of them is faster."""

    def __init__(self, storage: Storage) -> None:
        self._storage, self._last = storage, float("-inf")

    async def run(self) -> None:
        """Folds if it is time; what goes wrong is tried again at the next time."""
        if time.monotonic() - self._last < SECONDS:
            return
        self._last = time.monotonic()
        try:
            await fold(self._storage, time.time())
        except (Conflict, StorageUnavailable) as error:
            telemetry.notice(_log, f"Counts of ended processes are folded later: {error}", level=logging.INFO)


async def fold(storage: Storage, now: float) -> None:
    """Folds blobs that have not changed for SILENCE. now: s since 1970. Raises Conflict if somebody else folds."""
    blob = await storage.read(BLOB)
    folded = _decode(blob)
    if folded is None or now - folded.at < SECONDS:
        return
    processes = await _processes(storage)
    known = [name for name in folded.names if name in processes]
    silent = {name: one for name, one in processes.items() if name not in known and _is_silent(one[1], now)}
    taken = {name: one for name, (blob, one) in silent.items() if await _take(storage, name, blob, one)}
    if taken or known != folded.names:
        counts = _sum(folded.counts, *(one.counts for one in taken.values()))
        data = msgspec.json.encode(Folded(now, counts, [*known, *taken]))
        await storage.replace(BLOB, data, blob.etag if blob else None)
    for name in (*known, *taken):
        await storage.delete(name)


def _is_silent(one: Refused, now: float) -> bool:
    return one.taken or now - one.at > SILENCE


async def _take(storage: Storage, name: str, blob: Blob, one: Refused) -> bool:
    """Marks a blob; False if its process has written it meanwhile."""
    if one.taken:
        return True
    try:
        await storage.replace(name, msgspec.json.encode(msgspec.structs.replace(one, taken=True)), blob.etag)
    except Conflict:
        return False
    return True


async def _processes(storage: Storage) -> dict[str, tuple[Blob, Refused]]:
    """The blobs of processes that can be read, by name."""
    names, slots = await storage.names(PREFIX), asyncio.Semaphore(LOOKS)

    async def read(name: str) -> Blob | None:
        async with slots:
            return await storage.read(name)

    blobs = await asyncio.gather(*map(read, names))
    read_ones = {name: (blob, refusals.decode(blob.data)) for name, blob in zip(names, blobs, strict=True) if blob}
    return {name: (blob, one) for name, (blob, one) in read_ones.items() if one is not None}


def _decode(blob: Blob | None) -> Folded | None:
    """The folded blob, an empty one if there is none; None if it is damaged, or of a later version."""
    try:
        return msgspec.json.decode(blob.data, type=Folded) if blob is not None else Folded()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _sum(*all_counts: Mapping[str, Mapping[str, int]]) -> Counts:
    total: dict[str, Counter[str]] = {}
    for counts in all_counts:
        for home, codes in counts.items():
            total.setdefault(home, Counter()).update(codes)
    return {home: dict(codes) for home, codes in total.items()}
