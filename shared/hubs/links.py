"""Links of the Event Hubs SDK: opened without pauses, closed to the end, and sent over with little processor time.

On underscore names of the SDK, whose version is pinned: `tests/shared/hubs/test_clients.py` fails if they are gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.eventhub.aio import EventHubProducerClient
    from azure.eventhub.exceptions import EventHubError

OPENING_PAUSE_SECONDS = 0.001
# AMQP's condition, without its `amqp:`, of a message that the hub takes at no time.
TOO_LARGE = "link:message-size-exceeded"


def is_refusal(error: EventHubError) -> bool:
    """True if a message was refused for its size: by a rejection of it, or by the end of its link."""
    return error.error == TOO_LARGE


def mended(link: Any) -> Any:
    """A link of the SDK that opens without pauses, and leaves no connection behind."""
    link._open = functools.partial(_open_link, link)
    link._close_handler_async = functools.partial(_close_link, link, link._close_handler_async)
    return link


async def open_ahead(client: EventHubProducerClient, partition: str, timeout: float) -> None:
    """What `send_event` does before it sends. What fails here is done again by what sends, and told."""
    with contextlib.suppress(Exception):
        await client._start_producer(partition, timeout)
        await client._producers[partition]._open()  # type: ignore[union-attr]


async def _open_link(link: Any) -> None:
    """What the SDK does to open a link, without its pauses of 50 ms: an answer that is awaited needs none."""
    if link.running:
        return
    await link._close_handler_async()
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
        _cut(handler._connection)
        raise
    link.running = True


async def _close_link(link: Any, close: Callable[[], Awaitable[None]]) -> None:
    """What the SDK does to close a link. If the server has ended the connection, it fails at that, leaves the socket
    open, and takes the link for a running one."""
    connection = link._handler._connection if link._handler else None
    with contextlib.suppress(Exception):
        await close()
    link.running = False
    _cut(connection)


def _cut(connection: Any) -> None:
    """Ends a connection that may have been opened half, or closed half."""
    if connection is not None and connection._transport.writer is not None:
        connection._transport.writer.transport.abort()


async def send(client: EventHubProducerClient, partition: str, message: bytes, timeout: float) -> None:
    """What `send_event` does with an event without properties, for less processor time: nothing is looked up that such
    an event has not. The second attempt, on a new link, is the SDK's.
    """
    from azure.eventhub._pyamqp.message import Message
    from azure.eventhub.exceptions import EventHubError

    link: Any = client._producers[partition]
    encoded = Message(data=[message])
    try:
        await _send_once(link, encoded, timeout)
    except EventHubError as error:
        if is_refusal(error) or link.closed:  # as by another partition that gave the client up
            raise
        await link._close_handler_async()
        await open_ahead(client, partition, timeout)
        await _send_once(link, encoded, timeout)


async def _send_once(link: Any, message: Any, timeout: float) -> None:
    try:
        await link._open()
        await link._handler.send_message_async(message, timeout=timeout)
    except Exception as error:
        own = link._handler._link if link._handler else None
        ended = own._error if own else None  # says why, where the message just has not arrived
        raise await link._handle_exception(ended or error) from None
