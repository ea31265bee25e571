"""Reading a partition of which the beginning has expired, and refusing one that leaves something out."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient

from local.eventhubs.process import EventHubsProcess
from shared.hubs import clients
from shared.hubs.clients import Sender
from shared.hubs.reader import HubReader, ReadError
from shared.settings import Settings, load

KEPT_LITTLE = ("--retention-bytes", "1")
LARGE = b"x" * 1_000_000  # nine of them fill a segment of the server, the unit in which events expire


def settings(hub: EventHubsProcess) -> Settings:
    return load(
        {
            "APP_KEYS": "a",
            "ADMIN_KEYS": "b",
            "STORAGE_CONNECTION_STRING": "UseDevelopmentStorage=true",
            "EVENT_HUBS_CONNECTION_STRING": hub.connection_string,
            "EVENT_HUBS_PARTITIONS": "1",
        }
    )


async def send(given: Settings, *messages: bytes) -> None:
    sender = Sender(given, "interactions")
    for message in messages:
        await sender.send(0, message)
    await sender.close()


def expire(data: Path) -> None:
    for segment in data.rglob("*.segment"):
        segment.unlink()


async def read(reader: HubReader, after: int, through: int) -> list[int]:
    (source,) = reader.read([after], [through])
    return [message.sequence async for message in source]


async def test_what_expired_before_it_was_read_is_missing_at_the_beginning_only(tmp_path: Path) -> None:
    with EventHubsProcess(tmp_path, "interactions:1", options=KEPT_LITTLE) as hub:
        given = settings(hub)
        await send(given, *[LARGE] * 9, b"9\n", b"10\n")
        reader = HubReader(clients.consumer(given, "interactions"), 1)
        assert await reader.heads() == [10]
        assert await read(reader, 3, 10) == [9, 10]
        await reader.close()


async def test_a_partition_of_which_all_has_expired_is_not_waited_for(tmp_path: Path) -> None:
    with EventHubsProcess(tmp_path, "interactions:1") as hub:
        await send(settings(hub), b"0\n", b"1\n", b"2\n")
    expire(tmp_path)
    with EventHubsProcess(tmp_path, "interactions:1") as hub:
        given = settings(hub)
        reader = HubReader(clients.consumer(given, "interactions"), 1)
        assert await reader.heads() == [2]
        assert await reader.first([0], [2]) is None
        assert await read(reader, 0, 2) == []
        await send(given, b"3\n")
        assert await reader.heads() == [3]
        assert await read(reader, 0, 3) == [3]
        await reader.close()


class Leaky:
    """A hub that has every message and does not give all of them."""

    def __init__(self, *given: int) -> None:
        self._given = given

    async def get_partition_properties(self, _: str) -> dict[str, Any]:
        return {"is_empty": False, "beginning_sequence_number": 0, "last_enqueued_sequence_number": 9}

    async def receive_batch(self, deliver: Callable[[None, list[EventData]], Awaitable[None]], **_: Any) -> None:
        await deliver(None, [event(number) for number in self._given])
        await asyncio.Event().wait()


def event(sequence: int) -> EventData:
    made = EventData(b"{}\n")
    made._sys_properties = {b"x-opt-sequence-number": sequence, b"x-opt-enqueued-time": 1000.0 * sequence}
    made._raw_amqp_message.annotations = {
        b"x-opt-sequence-number": sequence,
        b"x-opt-enqueued-time": datetime.now(UTC).timestamp() * 1000,
    }
    return made


@pytest.mark.parametrize("given", [(0, 1, 3), (2, 3)])
async def test_a_gap_is_refused_when_what_is_missing_exists(given: tuple[int, ...]) -> None:
    reader = HubReader(cast("EventHubConsumerClient", Leaky(*given)), 1)
    with pytest.raises(ReadError, match="those between exist"):
        await read(reader, -1, 3)
