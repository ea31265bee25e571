"""Imported decisions on their way into a loop's log: gathered by the hour they were made in, each stored once.

What the log already holds of an hour is read before anything is added to it; so a file may be imported again, after
an interruption too, and files may overlap.
"""

import asyncio
import gzip
import hashlib
import tempfile
from collections import OrderedDict
from pathlib import Path

import msgspec

from migration.decisions import Decision
from shared.joined_log import log_reading
from shared.joined_log.log_reading import HOUR_MS
from shared.loops.blob_names import Home
from shared.storage import Storage
from shared.vw.dsjson import Named

# As much of an hour is gathered before it is stored, of so many hours at a time: the bound of what memory holds.
PART_BYTES, OPEN_HOURS, BEING_STORED = 16 << 20, 6, 3


_named = msgspec.json.Decoder(Named).decode


class _Hour:
    """The lines of one hour that are not stored yet, and the ids of all its decisions. number: since 1970."""

    def __init__(self, number: int, ids: set[int]) -> None:
        self.number, self.ids, self.lines, self.size, self.last = number, ids, list[bytes](), 0, 0


class Hours:
    """Where decisions are added. Without a storage nothing is read; `write` False: nothing is written."""

    def __init__(self, storage: Storage | None, home: Home, *, write: bool) -> None:
        self._storage, self._home, self._write = storage, home, write
        self._open: OrderedDict[int, _Hour] = OrderedDict()
        self._storing: list[tuple[int, asyncio.Task[None]]] = []  # by the number of their hours
        self.parts = 0

    async def add(self, decision: Decision) -> bool:
        """False if the log has this event already."""
        number = decision.at // HOUR_MS
        hour = self._open.get(number) or await self._opened(number)
        key = hash(decision.id)
        if key in hour.ids:
            return False
        hour.ids.add(key)
        if self._write:
            hour.lines.append(decision.line)
            hour.size += len(decision.line)
            hour.last = max(hour.last, decision.at)
        if hour.size >= PART_BYTES:
            await self._store(hour)
        return True

    async def close(self) -> None:
        """Stores what is still gathered."""
        while self._open:
            await self._store(self._open.popitem(last=False)[1])
        await self._stored()

    async def _opened(self, number: int) -> _Hour:
        hour = self._open[number] = _Hour(number, await self._known(number))
        if self._write and len(self._open) > OPEN_HOURS:
            await self._store(self._open.popitem(last=False)[1])
        return hour

    async def _known(self, number: int) -> set[int]:
        ids: set[int] = set()
        if self._storage is None:
            return ids
        for task in [task for hour, task in self._storing if hour == number]:
            await task
        async for lines in log_reading.around(self._storage, self._home, number * HOUR_MS):
            ids.update(await asyncio.to_thread(_ids, lines))
        return ids

    async def _store(self, hour: _Hour) -> None:
        """Compresses and stores in a thread of its own, while the next part is gathered."""
        if hour.lines and self._storage is not None:
            await self._stored(BEING_STORED - 1)
            storing = asyncio.create_task(_stored_part(self._storage, self._home, hour.lines, hour.last))
            self._storing.append((hour.number, storing))
            hour.lines, hour.size = [], 0
            self.parts += 1

    async def _stored(self, others: int = 0) -> None:
        """Returns when no more than so many parts are still being stored."""
        while len(self._storing) > others:
            await self._storing.pop(0)[1]


async def _stored_part(storage: Storage, home: Home, lines: list[bytes], last: int) -> None:
    with tempfile.NamedTemporaryFile(prefix="open-personalizer-") as file:
        digest = await asyncio.to_thread(_write, lines, Path(file.name))
        await storage.create(log_reading.imported_name(home, last, digest), Path(file.name))


def _ids(lines: bytes) -> list[int]:
    return [hash(_named(line).id) for line in lines.splitlines()]


def _write(lines: list[bytes], file: Path) -> str:
    data = b"\n".join([*lines, b""])
    file.write_bytes(gzip.compress(data, compresslevel=1, mtime=0))
    return hashlib.sha256(data).hexdigest()[:16]
