"""Finding an event in imported logs, which have no index: they are read, newest first, for as long as one may wait."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from shared.joined_log import log_reading, part_reading
from shared.joined_log.log_parts import Part
from shared.joined_log.unzipping import DAMAGE
from shared.loops.blob_names import Home
from shared.storage import Storage
from shared.vw import dsjson

LONGEST_SECONDS = 8.0
_PLAIN = re.compile(r"[A-Za-z0-9.-]+")  # written in one way only


async def find(storage: Storage, home: Home, event_id: str) -> tuple[bytes | None, str | None]:
    """The line of an event, None if it was not found; what of the imported log was not read, None if all was."""
    deadline = time.monotonic() + LONGEST_SECONDS
    damaged: list[str] = []
    async with aclosing(_chunks(storage, home, damaged)) as chunks:
        async for lines in chunks:
            if time.monotonic() > deadline:
                return None, "The imported log is long and was not all read."
            line = await asyncio.to_thread(_line, lines, event_id)
            if line is not None:
                return line, None
    return None, f"The imported log is damaged and was not all read: {', '.join(damaged)}." if damaged else None


async def _chunks(storage: Storage, home: Home, damaged: list[str]) -> AsyncGenerator[bytes, None]:
    """The imported log, the newest blob first; of a damaged one, which is added to `damaged`, what is before that."""
    for name in reversed(await log_reading.imports(storage, home)):
        try:
            async with aclosing(part_reading.chunks(storage, Part(name, name))) as chunks:
                async for lines in chunks:
                    yield lines
        except DAMAGE:
            damaged.append(name)


def _line(lines: bytes, event_id: str) -> bytes | None:
    if _PLAIN.fullmatch(event_id) and event_id.encode() not in lines:
        return None
    return next((line for line in lines.splitlines() if dsjson.id_of(line) == event_id), None)
