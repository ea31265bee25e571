"""Clients of the two event hubs: connection string or managed identity, imported when first used."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import certifi

from shared.settings import Settings

if TYPE_CHECKING:
    from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient

    _Client = TypeVar("_Client", EventHubProducerClient, EventHubConsumerClient)

CONSUMER_GROUP = "$Default"
AMQPS_PORT = 5671
# A connection that swallows what it is given (the server hangs, the network lost it) is replaced after this time:
# the SDK's timeouts do not end such a wait.
SILENCE_SECONDS = 10.0


class Sender:
    """Sends messages to one event hub; opens its links on first use."""

    def __init__(self, settings: Settings, hub: str) -> None:
        self._settings, self._hub = settings, hub
        self._client: EventHubProducerClient | None = None
        self._abandoned: set[asyncio.Task[None]] = set()

    async def send(self, partition: int, message: bytes) -> None:
        """Returns when the hub has stored the message; raises EventHubError or OSError (TimeoutError) otherwise."""
        from azure.eventhub import EventData

        if self._client is None:
            self._client = self._connect()
        client, timeout = self._client, self._settings.log_timeout_seconds
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await client.send_event(EventData(message), partition_id=str(partition), timeout=timeout)
        except TimeoutError:
            self._abandon(client)
            raise TimeoutError(f"no answer in {SILENCE_SECONDS:g} s; connecting anew") from None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _abandon(self, client: EventHubProducerClient) -> None:
        if self._client is client:
            self._client = None
            task = asyncio.create_task(_close(client))
            self._abandoned.add(task)
            task.add_done_callback(self._abandoned.discard)

    def _connect(self) -> EventHubProducerClient:
        from azure.eventhub.aio import EventHubProducerClient

        # Retrying is the event log's: the SDK would sleep without telling anyone.
        return _client(EventHubProducerClient, self._settings, self._hub, retry_total=0)


async def _close(client: EventHubProducerClient) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(SILENCE_SECONDS):
            await client.close()


def consumer(settings: Settings, hub: str) -> EventHubConsumerClient:
    """A client that reads one event hub."""
    from azure.eventhub.aio import EventHubConsumerClient

    return _client(EventHubConsumerClient, settings, hub, consumer_group=CONSUMER_GROUP, retry_total=1)


async def answers(settings: Settings) -> bool:
    """True if something accepts connections where the event hubs should be; asks for a second at most."""
    where = settings.event_hubs_namespace
    for part in settings.event_hubs_connection_string.split(";"):
        if part.startswith("Endpoint="):
            where = part.removeprefix("Endpoint=")
    address = urlsplit(where if "//" in where else f"//{where}")
    try:
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_connection(address.hostname, address.port or AMQPS_PORT)
    except OSError:
        return False
    writer.close()
    return True


def _client(kind: type[_Client], settings: Settings, hub: str, **options: Any) -> _Client:
    options["ssl_context"] = _tls()
    if settings.event_hubs_connection_string:
        return kind.from_connection_string(settings.event_hubs_connection_string, eventhub_name=hub, **options)
    from shared.identity import credential

    return kind(
        fully_qualified_namespace=settings.event_hubs_namespace,
        eventhub_name=hub,
        credential=credential(settings),
        **options,
    )


@functools.cache
def _tls() -> ssl.SSLContext:
    """One for all links: the SDK would read the certificates for each of them, even without TLS."""
    return ssl.create_default_context(cafile=certifi.where())
