"""The server: a listening socket in front of a namespace."""

import asyncio
from pathlib import Path

from .codec import errors
from .codec.errors import AmqpError
from .connection import Connection
from .disk.partition_log import Retention
from .disk.release import Release
from .hub import HubSpec, Namespace
from .sas import SasKey

EXPIRE_SECONDS = 10
MAX_CONNECTIONS = 1024


class Server:
    def __init__(
        self,
        data: Path,
        hubs: list[HubSpec],
        retention: Retention,
        key: SasKey | None = None,
        max_connections: int = MAX_CONNECTIONS,
        released: Path | None = None,
    ) -> None:
        self._released = released
        self.namespace = Namespace(hubs, data, retention)
        self.key = key
        self._max_connections = max_connections
        self._connections: set[Connection] = set()

    def admit(self, connection: Connection) -> bool:
        self._connections.add(connection)
        return len(self._connections) <= self._max_connections

    def forget(self, connection: Connection) -> None:
        self._connections.discard(connection)

    async def serve(self, host: str, port: int, stop: asyncio.Event) -> None:
        """Serve until `stop` is set. Raises OSError if the port cannot be had."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: Connection(self, loop), host, port, backlog=512)
        expiry = asyncio.create_task(self._expire())
        address, actual = listener.sockets[0].getsockname()[:2]
        print(f"ready: amqp://{address}:{actual}", flush=True)
        await stop.wait()
        expiry.cancel()
        listener.close()
        await self._close()

    async def _expire(self) -> None:
        while True:
            self.namespace.expire()
            released = Release.read(self._released) if self._released else None
            if released is not None:
                self.namespace.release(released)
            await asyncio.sleep(EXPIRE_SECONDS)

    async def _close(self) -> None:
        """Finish what is on its way to disk, tell the clients, close the files."""
        settled = [asyncio.Event() for _ in self.namespace.partitions]
        for partition, event in zip(self.namespace.partitions, settled, strict=True):
            partition.barrier(event.set)
        await asyncio.gather(*(event.wait() for event in settled))
        for connection in tuple(self._connections):
            connection.shut(AmqpError(errors.CONNECTION_FORCED, "the server is shutting down"))
        await asyncio.sleep(0)
        self.namespace.close()
