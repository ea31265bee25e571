"""A small HTTP client on one kept connection, light enough to load a server from the same machine."""

from __future__ import annotations

import asyncio
from typing import cast

KEY = b"Ocp-Apim-Subscription-Key: local-app-key\r\n"


def get(path: str) -> bytes:
    """A GET request as it travels."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def rank(body: bytes, key: bytes = KEY, loop: str = "default") -> bytes:
    """A Rank request as it travels. key: its header."""
    path = b"/personalizer/v1.0/rank" if loop == "default" else b"/loops/%b/personalizer/v1.0/rank" % loop.encode()
    line = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" % path
    return b"%b%bContent-Length: %d\r\n\r\n%b" % (line, key, len(body), body)


def post(path: str, body: bytes) -> bytes:
    """A POST request as it travels, without a key."""
    line = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{line}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Client(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._received = b""

    @classmethod
    async def connect(cls, port: int) -> Client:
        return (await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port))[1]

    async def ask(self, request: bytes) -> bytes:
        """The body of the answer; ConnectionError if its status is not 2xx or the connection ends."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    @property
    def is_open(self) -> bool:
        """False once the server has closed the connection, as it does after some seconds without a request."""
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head) or self._answer is None:
            return
        self._received = b""
        if head.startswith(b"HTTP/1.1 2"):
            self._answer.set_result(body)
        else:
            self._answer.set_exception(ConnectionError(f"{head.decode()}\n{body.decode(errors='replace')}"))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("the server closed the connection"))


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
