"""Reading an event hub by position: a stretch of one partition, in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from azure.eventhub import EventData
    from azure.eventhub.aio import EventHubConsumerClient, PartitionContext

PREFETCH = 200
# Longer than any hub takes to answer; a partition that is silent for so long although it has events is at fault.
STALL_SECONDS = 30.0


class ReadError(Exception):
    """A partition could not be read as far as it should reach."""


class Message(NamedTuple):
    """One message. at: enqueued time in ms since 1970; sequence: its number in the partition; body: event lines."""

    at: int
    partition: int
    sequence: int
    body: bytes


async def heads(client: EventHubConsumerClient, partitions: int) -> list[int]:
    """The last sequence number of each partition, -1 for an empty one. Raises ReadError if there are too few."""
    ids = await client.get_partition_ids()
    if len(ids) < partitions:
        raise ReadError(f"{client.eventhub_name} has {len(ids)} partitions, EVENT_HUBS_PARTITIONS is {partitions}")
    states = await asyncio.gather(*(client.get_partition_properties(str(one)) for one in range(len(ids))))
    return [-1 if state["is_empty"] else int(state["last_enqueued_sequence_number"]) for state in states]


async def read(
    client: EventHubConsumerClient, partition: int, after: int, through: int, until: int | None = None
) -> AsyncIterator[Message]:
    """The messages with `after < sequence <= through`, ending early at the first one enqueued later than `until`."""
    if after >= through:
        return
    batches: asyncio.Queue[list[EventData] | BaseException] = asyncio.Queue(maxsize=1)

    async def arrived(_: PartitionContext, batch: list[EventData]) -> None:
        await batches.put(batch)

    async def failed(_: PartitionContext | None, error: Exception) -> None:
        await batches.put(error)

    receiving = asyncio.create_task(
        client.receive_batch(
            arrived,
            on_error=failed,
            partition_id=str(partition),
            starting_position=after if after >= 0 else "-1",
            prefetch=PREFETCH,
            max_batch_size=PREFETCH,
        )
    )
    try:
        while True:
            for event in await _next(batches, partition):
                message = _message(event, partition)
                if message.sequence > through or (until is not None and message.at > until):
                    return
                yield message
                if message.sequence == through:
                    return
    finally:
        receiving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await receiving


async def _next(batches: asyncio.Queue[list[EventData] | BaseException], partition: int) -> list[EventData]:
    try:
        async with asyncio.timeout(STALL_SECONDS):
            batch = await batches.get()
    except TimeoutError:
        raise ReadError(f"partition {partition} was silent for {STALL_SECONDS:g} s although it has events") from None
    if isinstance(batch, BaseException):
        raise ReadError(f"partition {partition} cannot be read: {batch}") from batch
    return batch


def _message(event: EventData, partition: int) -> Message:
    at, sequence = event.enqueued_time, event.sequence_number
    if at is None or sequence is None:
        raise ReadError(f"an event of partition {partition} came without its time or number")
    body = b"".join(cast("Iterable[bytes]", event.body))
    return Message(round(at.timestamp() * 1000), partition, sequence, body)
