"""Clients of the two event hubs: connection string or managed identity, imported when first used."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import certifi

from shared.hubs.event_log import MessageRefused
from shared.imports import lasting
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient
    from azure.eventhub.aio._consumer_async import EventHubConsumer
    from azure.eventhub.exceptions import EventHubError

    _Client = TypeVar("_Client", EventHubProducerClient, EventHubConsumerClient)

AMQPS_PORT = 5671
# Of a connection string, by which the SDK connects without TLS.
EMULATOR = "UseDevelopmentEmulator=true"
# A connection that swallows what it is given (the server hangs, the network lost it) is replaced after this time:
# the SDK's timeouts do not end such a wait.
SILENCE_SECONDS = 10.0
OPENING_PAUSE_SECONDS = 0.001
# AMQP's condition, without its `amqp:`, of a message that the hub takes at no time.
TOO_LARGE = "link:message-size-exceeded"


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
                _open(self._client, str(partition), self._settings.log_timeout_seconds)
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
                await _send(client, str(partition), message, timeout)
        except TimeoutError:
            self._abandon(client)
            raise TimeoutError(f"no answer in {SILENCE_SECONDS:g} s; connecting anew") from None
        except EventHubError as error:
            if is_refusal(error):
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
        return client


def is_refusal(error: EventHubError) -> bool:
    """True if a message was refused for its size: by a rejection of it, or by the end of its link."""
    return error.error == TOO_LARGE


async def _open(client: EventHubProducerClient, partition: str, timeout: float) -> None:
    """What `send_event` does before it sends. What fails here is done again by what sends, and told."""
    with contextlib.suppress(Exception):
        await client._start_producer(partition, timeout)
        await _open_link(client._producers[partition])


async def _open_link(link: Any) -> None:
    """What the SDK does to open a link, without its pauses of 50 ms: an answer that is awaited needs none.

    On underscore names.
    """
    if link.running:
        return
    if link._handler:
        await link._handler.close_async()
    client = link._client
    auth = await client._create_auth_async(auth_uri=client._auth_uri)
    link._create_handler(auth)
    connection = await client._conn_manager_async.get_connection(endpoint=client._address.hostname, auth=auth)
    handler = link._handler
    try:
        await handler.open_async(connection=connection)
        while not await handler.client_ready_async():  # noqa: ASYNC110
            await asyncio.sleep(OPENING_PAUSE_SECONDS)
    except BaseException:
        _cut(link)
        raise
    link.running = True


def _cut(link: Any) -> None:
    """Ends the connection of a link that was not opened to the end: the SDK takes it for closed already."""
    connection = link._handler._connection if link._handler else None
    if connection is not None and connection._transport.writer is not None:
        connection._transport.writer.transport.abort()


async def _send(client: EventHubProducerClient, partition: str, message: bytes, timeout: float) -> None:
    """What `send_event` does with an event without properties, for three quarters of its processor time: nothing is
    looked up that such an event has not. The second attempt, on a new link, is the SDK's, too. On underscore names.
    """
    from azure.eventhub._pyamqp.message import Message
    from azure.eventhub.exceptions import EventHubError

    link: Any = client._producers[partition]
    link._unsent_events = [Message(data=[message])]
    try:
        await link._send_event_data_with_retry(timeout=timeout)
    except EventHubError as error:
        if is_refusal(error) or link.closed:  # as by another partition that gave the client up
            raise
        await _open(client, partition, timeout)
        await link._send_event_data_with_retry(timeout=timeout)


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

    def create_quick(*given: Any, **options: Any) -> EventHubConsumer:
        link: Any = create(*given, **options)
        link._open = functools.partial(_open_link, link)
        return link  # type: ignore[no-any-return]

    client._create_consumer = create_quick  # type: ignore[method-assign]
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
