"""Finding an event in imported logs, which have no index: they are read, newest first, for as long as one may wait."""

import asyncio
import gzip
import re
import time
import zlib

from shared.joined_log import archive, joined_lines
from shared.loops.homes import Home
from shared.storage import Storage

LONGEST_SECONDS = 8.0
_PLAIN = re.compile(r"[A-Za-z0-9.-]+")  # written in one way only


async def find(storage: Storage, home: Home, event_id: str) -> tuple[bytes | None, bool]:
    """The line of an event, None if it was not found, and whether all that was imported was read."""
    deadline = time.monotonic() + LONGEST_SECONDS
    for name in reversed(await archive.imports(storage, home)):
        if time.monotonic() > deadline:
            return None, False
        blob = await storage.read(name)
        line = await asyncio.to_thread(_line, blob.data, event_id) if blob else None
        if line is not None:
            return line, True
    return None, True


def _line(data: bytes, event_id: str) -> bytes | None:
    try:
        lines = gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return None
    if _PLAIN.fullmatch(event_id) and event_id.encode() not in lines:
        return None
    return next((line for line in lines.splitlines() if joined_lines.id_of(line) == event_id), None)
