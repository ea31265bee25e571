"""The body of one request, which is read within a time, or left where it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# How long a body may take to arrive (s).
SECONDS = 60.0
# How long a client that goes on sending is listened to after its answer (s), and how much of it is thrown away (bytes):
# if the connection closed at once, many clients would see that it is broken, and not the answer.
LINGERING_SECONDS, LINGERING_BYTES = 2.0, 1 << 20


class ClientGoneError(Exception):
    """The connection ended before the body was complete."""


class RequestBody:
    """length: what the request announces, in bytes; 0 if it has no body, or does not say how long it is."""

    def __init__(self, receive: Receive, length: int) -> None:
        self.length, self._receive = length, receive
        self.is_complete = not length

    async def read(self) -> bytes:
        """The whole body. ClientGoneError if it breaks off, TimeoutError if it takes too long.

        The real host reads a body only if its length is announced: a chunked one arrives empty.
        """
        chunks: list[bytes] = []
        async with asyncio.timeout(SECONDS):
            while not self.is_complete:
                chunks.append(await self._next())
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def discard(self) -> None:
        """Waits a little for the rest of the body, and throws it away."""
        left = LINGERING_BYTES
        try:
            async with asyncio.timeout(LINGERING_SECONDS):
                while not self.is_complete and left > 0:
                    left -= len(await self._next())
        except (TimeoutError, ClientGoneError):
            return

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        self.is_complete = not message.get("more_body")
        chunk: bytes = message.get("body", b"")
        return chunk
