"""An event that is not in the log yet, looked for in the two event hubs.

Nothing there is sorted by event, so the partition of the id is read from where the trainer is done with it, the
newest messages first, for SEARCH_SECONDS at most.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing, suppress
from typing import Generic, NamedTuple, TypeVar

import msgspec

from shared.errors import ApiError
from shared.hubs import clients, events
from shared.hubs.events import Interaction, Observation
from shared.hubs.reader import HubReader, Message
from shared.loops.checkpoint import Checkpoint
from shared.settings import Settings

SEARCH_SECONDS = 8.0
# Messages read in the first look; each further one reads ten times as many.
FIRST_LOOK = 200
CLOSING_SECONDS = 10.0

# The group that every hub has. The trainer has another where the tier allows it, else both share this one: Event Hubs
# lets five of a group read a partition at once, and the trainer takes up to two.
GROUP = "$Default"
_searching = asyncio.Semaphore(2)
_closing: set[asyncio.Task[None]] = set()


Event = TypeVar("Event", Interaction, Observation)


class Enqueued(NamedTuple, Generic[Event]):
    """An event, its enqueued time in ms and its position in the partition."""

    at: int
    sequence: int
    event: Event


class Recent(NamedTuple):
    """What the hubs hold of an event, in order of time. `whole` is False if not everything could be read in time."""

    ranked: list[Enqueued[Interaction]]
    observed: list[Enqueued[Observation]]
    whole: bool


async def find(settings: Settings, loop: str, event_id: str, done: Checkpoint) -> Recent:
    """Looks behind the positions of a checkpoint; raises OperationNotAllowed if the hubs are away."""
    number = events.partition_of(event_id, settings.event_hubs_partitions)
    ranked = _Tail(settings, settings.interactions_hub, events.decode_interaction, loop, event_id)
    observed = _Tail(settings, settings.observations_hub, events.decode_observation, loop, event_id)
    whole = True
    await _searching.acquire()
    try:
        async with asyncio.timeout(SEARCH_SECONDS):
            await asyncio.gather(
                ranked.search(number, _position(done.interactions, number), first=True),
                observed.search(number, _position(done.observations, number), first=False),
            )
    except TimeoutError:
        whole = False
    except Exception as error:
        away = f"The event is not in the log, and the recent ones cannot be read: {str(error).splitlines()[0]}"
        raise ApiError("OperationNotAllowed", away, retry_after=1) from None
    finally:
        _close_later(ranked.reader, observed.reader)
    return Recent(sorted(ranked.found, key=_order), sorted(observed.found, key=_order), whole)


def stretches(after: int, head: int) -> Iterator[tuple[int, int]]:
    """The positions behind `after` up to `head`, newest first, as pairs (after, through)."""
    size = FIRST_LOOK
    while after < head:
        low = max(after, head - size)
        yield low, head
        head, size = low, size * 10


class _Tail(Generic[Event]):
    """What one hub holds of an event."""

    def __init__(
        self, settings: Settings, hub: str, decode: Callable[[bytes], Event], loop: str, event_id: str
    ) -> None:
        self._client = clients.consumer(settings, hub, GROUP)
        self._decode: Callable[[bytes], Event] = decode
        self.reader = HubReader(self._client, settings.event_hubs_partitions)
        self._loop, self._id, self._quoted = loop, event_id, msgspec.json.encode(event_id)
        self.found: list[Enqueued[Event]] = []

    async def search(self, partition: int, after: int, *, first: bool) -> None:
        """Reads a partition behind a position: all of it, or with `first` until there is something."""
        state = await self._client.get_partition_properties(str(partition))
        head = -1 if state["is_empty"] else int(state["last_enqueued_sequence_number"])
        others: list[int] = [-1] * partition
        # A hub that was made anew counts from the start again.
        for low, high in stretches(after if after <= head else -1, head):
            async with aclosing(self.reader.read([*others, low], [*others, high])[partition]) as messages:
                async for message in messages:
                    if self._quoted in message.body:
                        self._take(message)
            if first and self.found:
                return

    def _take(self, message: Message) -> None:
        for line in message.body.splitlines():
            with suppress(ValueError):  # the trainer counts what it cannot read
                event = self._decode(line)
                if (event.loop, event.id) == (self._loop, self._id):
                    self.found.append(Enqueued(message.at, message.sequence, event))


def _order(event: Enqueued[Event]) -> tuple[int, int]:
    return event.at, event.sequence


def _position(positions: list[int], partition: int) -> int:
    return positions[partition] if partition < len(positions) else -1


def _close_later(*readers: HubReader) -> None:
    """Closes the links behind the answer, for the SDK takes a second for it. Only then the next search may begin."""
    task = asyncio.create_task(_close(readers))
    _closing.add(task)
    task.add_done_callback(_closed)


def _closed(task: asyncio.Task[None]) -> None:
    _closing.discard(task)
    _searching.release()


async def _close(readers: Iterable[HubReader]) -> None:
    with suppress(Exception):
        async with asyncio.timeout(CLOSING_SECONDS):
            await asyncio.gather(*(reader.close() for reader in readers))
