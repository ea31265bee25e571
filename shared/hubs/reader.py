"""Reading an event hub by position: a stretch of one partition, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from azure.eventhub import EventData
    from azure.eventhub.aio import EventHubConsumerClient, PartitionContext

# Bounds what a hub holds in memory: PREFETCH + 3 * BATCH messages, which its partitions share, of MESSAGE_BYTES each
# unless one event alone is longer.
PREFETCH, BATCH = 60, 20
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


class HubReader:
    """Reads the partitions of one event hub. Links stay open between reads: opening one takes most of a second."""

    def __init__(self, client: EventHubConsumerClient, partitions: int) -> None:
        self._client, self._expected = client, partitions
        self._partitions: list[_Partition] = []
        self._counted = False

    async def heads(self) -> list[int]:
        """The last sequence number of each partition, -1 for one that never had any. ReadError if there are too few."""
        self._cover(self._expected)
        known, count = await asyncio.gather(self._heads(0), self._count())
        self._cover(count)
        return known + await self._heads(len(known))

    def begin(self, after: list[int]) -> None:
        """Opens the links, so that they are open when `read` needs them. after: as for `read`, missing ones -1."""
        self._cover(self._expected)
        for partition in self._partitions:
            partition.begin(after[partition.number] if partition.number < len(after) else -1)

    def read(
        self, after: list[int], through: list[int], until: int | None = None
    ) -> list[AsyncGenerator[Message, None]]:
        """By partition: messages with `after < sequence <= through`, up to the first enqueued later than `until`.

        Those that expired in the hub are missing at the beginning; ReadError if there is a gap anywhere else.
        """
        self._cover(len(through))
        return [
            partition.read(after[partition.number], through[partition.number], until)
            for partition in self._partitions[: len(through)]
        ]

    async def first(self, after: list[int], through: list[int]) -> int | None:
        """The enqueued time of the first message that `read` would give, in ms. Opens the links that it needs."""
        self._cover(len(through))
        pending = [one for one in self._partitions if one.has(after[one.number], through[one.number])]
        firsts = await asyncio.gather(*(partition.peek(after[partition.number]) for partition in pending))
        return min((message.at for message in firsts), default=None)

    async def close(self) -> None:
        await asyncio.gather(*(partition.close() for partition in self._partitions))
        await self._client.close()

    async def _heads(self, first: int) -> list[int]:
        ids = [str(partition.number) for partition in self._partitions[first:]]
        states = await asyncio.gather(*(self._client.get_partition_properties(one) for one in ids))
        for partition, state in zip(self._partitions[first:], states, strict=True):
            partition.learn(state)
        return [partition.head for partition in self._partitions[first:]]

    async def _count(self) -> int:
        if self._counted:
            return len(self._partitions)
        count = len(await self._client.get_partition_ids())
        if count < self._expected:
            name = self._client.eventhub_name
            raise ReadError(f"{name} has {count} partitions, EVENT_HUBS_PARTITIONS is {self._expected}")
        self._counted = True
        return count

    def _cover(self, count: int) -> None:
        known = len(self._partitions)
        self._partitions += [_Partition(self._client, number, among=self._expected) for number in range(known, count)]


class _Partition:
    """One partition, and what was received of it but not read yet. among: so many share what a hub may hold."""

    def __init__(self, client: EventHubConsumerClient, number: int, among: int) -> None:
        self._among = among
        self.number, self.head, self._first = number, -1, 0
        self._gap: tuple[int, int] | None = None
        self._client = client
        self._arrived: asyncio.Queue[list[EventData] | Exception] = asyncio.Queue(maxsize=1)
        self._held: deque[Message] = deque()
        self._after = self._received = -1
        self._receiving: asyncio.Task[None] | None = None

    def learn(self, state: dict[str, Any]) -> None:
        """Takes what the hub says of the partition. `_first`: the first sequence number that has not expired."""
        last, first = int(state["last_enqueued_sequence_number"]), int(state["beginning_sequence_number"])
        is_new = state["is_empty"] and (last < 0 or last == first == 0)
        self.head = -1 if is_new else last
        self._first = self.head + 1 if state["is_empty"] else first

    def has(self, after: int, through: int) -> bool:
        """True unless all of `after < sequence <= through` is known to have expired, or there is nothing."""
        return max(after + 1, self._first) <= through

    def begin(self, after: int) -> None:
        """Opens the link, unless it is open or being opened."""
        if self._receiving is None:
            self._start(after)

    async def read(self, after: int, through: int, until: int | None) -> AsyncGenerator[Message, None]:
        while self.has(after, through):
            message = await self.peek(after)
            if message.sequence > through or (until is not None and message.at > until):
                return
            self._held.popleft()
            after = self._after = message.sequence
            yield message

    async def peek(self, after: int) -> Message:
        """The first message behind `after`; waits for it."""
        if self._receiving is None or self._after != after:
            await self.close()
            self._start(after)
        while not self._held:
            await self._hold(await self._next())
        return self._held[0]

    async def _hold(self, messages: list[Message]) -> None:
        """Takes what is new: a link that was lost is opened again behind what the SDK had handed over, and what it had
        received beyond that comes twice."""
        for message in messages:
            if message.sequence > self._received:
                if message.sequence > self._received + 1:
                    await self._check_expired(message.sequence)
                self._received = message.sequence
                self._held.append(message)

    async def _check_expired(self, sequence: int) -> None:
        """Raises ReadError unless a message is the first behind `_after` that the hub has: what came before expired.

        A hub that gives the same message at the next try too is believed, or the partition would never be read again.
        """
        received = self._received
        if not self._held and received == self._after:
            self.learn(await self._client.get_partition_properties(str(self.number)))
            if sequence <= self._first or (received, sequence) == self._gap:
                return
            self._gap = received, sequence
        await self.close()
        raise ReadError(f"partition {self.number} gave message {sequence} behind {received}, and those between exist")

    async def close(self) -> None:
        """Ends receiving; the SDK takes a second for it."""
        if self._receiving is not None:
            receiving, self._receiving = self._receiving, None
            receiving.cancel()
            await asyncio.wait([receiving])

    def _start(self, after: int) -> None:
        arrived: asyncio.Queue[list[EventData] | Exception] = asyncio.Queue(maxsize=1)
        self._arrived, self._after, self._received = arrived, after, after
        self._held.clear()

        async def deliver(_: PartitionContext | None, batch: list[EventData] | Exception) -> None:
            await arrived.put(batch)

        self._receiving = asyncio.create_task(
            self._client.receive_batch(
                deliver,
                on_error=deliver,
                partition_id=str(self.number),
                starting_position=after if after >= 0 else "-1",
                prefetch=max(2, PREFETCH // self._among),
                max_batch_size=max(1, BATCH // self._among),
            )
        )

    async def _next(self) -> list[Message]:
        try:
            async with asyncio.timeout(STALL_SECONDS):
                batch = await self._arrived.get()
        except TimeoutError:
            await self.close()
            silence = f"partition {self.number} was silent for {STALL_SECONDS:g} s although it has events"
            raise ReadError(silence) from None
        if isinstance(batch, Exception):
            await self.close()
            raise ReadError(f"partition {self.number} cannot be read: {batch}") from batch
        return [_message(event, self.number) for event in batch]


def _message(event: EventData, partition: int) -> Message:
    at, sequence = event.enqueued_time, event.sequence_number
    if at is None or sequence is None:
        raise ReadError(f"an event of partition {partition} came without its time or number")
    body = b"".join(cast("Iterable[bytes]", event.body))
    return Message(round(at.timestamp() * 1000), partition, sequence, body)
