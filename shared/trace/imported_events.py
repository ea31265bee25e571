"""Finding an event in imported logs, which have no index: they are read, newest first, for as long as one may wait."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from shared.joined_log import log_reading
from shared.joined_log.unzipping import DAMAGE
from shared.loops.blob_names import Home
from shared.storage import Storage
from shared.vw import dsjson

LONGEST_SECONDS = 8.0
_PLAIN = re.compile(r"[A-Za-z0-9.-]+")  # written in one way only


async def find(storage: Storage, home: Home, event_id: str) -> tuple[bytes | None, bool]:
    """The line of an event, None if it was not found, and whether all that was imported was read."""
    deadline = time.monotonic() + LONGEST_SECONDS
    async with aclosing(_chunks(storage, home)) as chunks:
        async for lines in chunks:
            if time.monotonic() > deadline:
                return None, False
            line = await asyncio.to_thread(_line, lines, event_id)
            if line is not None:
                return line, True
    return None, True


async def _chunks(storage: Storage, home: Home) -> AsyncGenerator[bytes, None]:
    """The imported log, the newest blob first; of a damaged one what is before the damage."""
    for name in reversed(await log_reading.imports(storage, home)):
        with contextlib.suppress(*DAMAGE):
            async with aclosing(log_reading.chunks(storage, name)) as chunks:
                async for lines in chunks:
                    yield lines


def _line(lines: bytes, event_id: str) -> bytes | None:
    if _PLAIN.fullmatch(event_id) and event_id.encode() not in lines:
        return None
    return next((line for line in lines.splitlines() if dsjson.id_of(line) == event_id), None)
