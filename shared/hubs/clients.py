"""Clients of the two event hubs: connection string or managed identity, imported when first used."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import certifi

from shared.hubs import links
from shared.hubs.event_log import MessageRefused
from shared.imports import lasting
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient

    _Client = TypeVar("_Client", EventHubProducerClient, EventHubConsumerClient)

AMQPS_PORT = 5671
# Of a connection string, by which the SDK connects without TLS.
EMULATOR = "UseDevelopmentEmulator=true"
# A connection that swallows what it is given (the server hangs, the network lost it) is replaced after this time:
# the SDK's timeouts do not end such a wait.
SILENCE_SECONDS = 10.0


class Sender:
    """Sends messages to one event hub; opens its links on first use, or ahead of it."""

    def __init__(self, settings: Settings, hub: str) -> None:
        self._settings, self._hub = settings, hub
        self._client: EventHubProducerClient | None = None
        self._links: dict[int, asyncio.Task[None]] = {}
        self._abandoned: set[asyncio.Task[None]] = set()

    def open(self, partition: int) -> asyncio.Task[None]:
        """Begins to open the link to a partition, if that was not begun before."""
        link = self._links.get(partition)
        if link is None:
            if self._client is None:
                self._client = self._connect()
            link = self._links[partition] = asyncio.create_task(
                links.open_ahead(self._client, str(partition), self._settings.log_timeout_seconds)
            )
        return link

    async def send(self, partition: int, message: bytes) -> None:
        """Returns when the hub has stored the message.

        Raises MessageRefused if it will never do so, otherwise EventHubError or OSError (TimeoutError).
        """
        from azure.eventhub.exceptions import EventHubError

        link = self.open(partition)
        assert self._client is not None
        client, timeout = self._client, self._settings.log_timeout_seconds
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await link
                await links.send(client, str(partition), message, timeout)
        except TimeoutError:
            self._abandon(client)
            raise TimeoutError(f"no answer in {SILENCE_SECONDS:g} s; connecting anew") from None
        except EventHubError as error:
            if links.is_refusal(error):
                raise MessageRefused(error.message) from error
            raise

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _abandon(self, client: EventHubProducerClient) -> None:
        if self._client is client:
            self._client, self._links = None, {}
            task = asyncio.create_task(_close(client))
            self._abandoned.add(task)
            task.add_done_callback(self._abandoned.discard)

    def _connect(self) -> EventHubProducerClient:
        with lasting():
            from azure.eventhub.aio import EventHubProducerClient

        # Retrying is the event log's: the SDK would sleep without telling anyone.
        client = _client(EventHubProducerClient, self._settings, self._hub, retry_total=0)
        # Else the SDK would ask the hub before its first message, which takes another half a second.
        partitions = [str(number) for number in range(self._settings.event_hubs_partitions)]
        client._producers.update(dict.fromkeys(partitions))
        client._partition_ids = partitions  # type: ignore[assignment]
        create = client._create_producer
        client._create_producer = lambda **options: links.mended(create(**options))  # type: ignore[method-assign]
        return client


async def _close(client: EventHubProducerClient) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(SILENCE_SECONDS):
            await client.close()


def consumer(settings: Settings, hub: str, group: str = "") -> EventHubConsumerClient:
    """A client that reads one event hub, by default with the trainer's consumer group."""
    from azure.eventhub.aio import EventHubConsumerClient

    group = group or settings.event_hubs_consumer_group
    client = _client(EventHubConsumerClient, settings, hub, consumer_group=group, retry_total=1)
    create = client._create_consumer
    client._create_consumer = lambda *given, **options: links.mended(create(*given, **options))  # type: ignore[method-assign]
    return client


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
    options["ssl_context"] = _tls(is_needed=EMULATOR not in settings.event_hubs_connection_string)
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
def _tls(*, is_needed: bool) -> ssl.SSLContext:
    """One for all links: the SDK would read the certificates for each of them, even without TLS.

    is_needed: False for one that knows no certificate, and so trusts nobody.
    """
    return ssl.create_default_context(cafile=certifi.where()) if is_needed else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
