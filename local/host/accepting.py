"""Takes connections from a socket that other processes serve, too, so that all come to have as many.

The kernel wakes all processes for a connection. The one that came first would take it and all that wait behind it,
and a client keeps its connection: so a process that has more connections than another one lets that go first.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from local.listening import Counts

# For how long another process may go first (s). After it did not for so many connections in a row, it is busy, hangs or
# has ended: none is waited for during some time (s).
PATIENCE, IN_VAIN, IMPATIENCE = 0.01, 3, 0.1
# Without descriptors or memory for a connection; it waits for this one or another process (s).
PAUSE = 0.5

log = logging.getLogger("local.host")


class Acceptor:
    """Accepts on the running event loop until it is closed.

    listener: does not block; made: a new protocol for each connection, which calls `counts.add(-1)` at its end.
    """

    def __init__(self, listener: socket.socket, counts: Counts, made: Callable[[], asyncio.Protocol]) -> None:
        self._listener, self._counts, self._made = listener, counts, made
        self._loop = asyncio.get_running_loop()
        self._in_vain, self._impatient_until = 0, 0.0
        self._resuming: asyncio.TimerHandle | None = None
        self._opening: set[asyncio.Task[None]] = set()
        self._listen()

    def close(self) -> None:
        """Takes no more; the socket stays open."""
        self._loop.remove_reader(self._listener)
        if self._resuming is not None:
            self._resuming.cancel()

    def _listen(self) -> None:
        self._loop.add_reader(self._listener, self._offered)

    def _offered(self) -> None:
        if self._counts.is_least or self._loop.time() < self._impatient_until:
            self._take()
        else:
            self._step_aside(PATIENCE, self._waited)

    def _waited(self) -> None:
        self._listen()
        self._in_vain = self._in_vain + 1 if self._take() else 0
        if self._in_vain == IN_VAIN:
            self._in_vain, self._impatient_until = 0, self._loop.time() + IMPATIENCE

    def _step_aside(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._listener)
        self._resuming = self._loop.call_later(seconds, then)

    def _take(self) -> bool:
        """One connection at most; False if there is none any more."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        except OSError as error:
            log.warning("a connection cannot be accepted: %s", error.strerror)
            self._step_aside(PAUSE, self._listen)
            return False
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._counts.add(1)
        task = self._loop.create_task(self._open(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return True

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._made, connection)
        except OSError:  # the client has gone
            self._counts.add(-1)
            connection.close()
