"""Reading a hub whose server is killed half-way: every message comes once, in order."""

import asyncio
import gc
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient
from harness.system import System

from shared.hubs import clients
from shared.hubs.reader import BATCH, PREFETCH, HubReader
from shared.settings import load

MESSAGES = 3 * PREFETCH


async def fill(connection: str) -> None:
    """Messages in the first partition of the interactions."""
    async with EventHubProducerClient.from_connection_string(connection, eventhub_name="interactions") as producer:
        for first in range(0, MESSAGES, BATCH):
            batch = await producer.create_batch(partition_id="0")
            for number in range(first, first + BATCH):
                batch.add(EventData(str(number)))
            await producer.send_batch(batch)


async def read(system: System) -> list[int]:
    """The sequence numbers as they come; kills the server early on."""
    await fill(system.settings["EVENT_HUBS_CONNECTION_STRING"])
    reader = HubReader(clients.consumer(load(system.settings), "interactions"), 4)
    sequences: list[int] = []
    async for message in reader.read([-1] * 4, await reader.heads())[0]:
        if message.sequence == BATCH:
            system.event_hubs.kill()
            system.event_hubs.start()
        sequences.append(message.sequence)
        await asyncio.sleep(0.005)  # slow enough for the SDK to receive more than it can hand over
    await reader.close()
    return sequences


@pytest.fixture
def _collected_sockets() -> Iterator[None]:
    """The SDK leaves the socket of a connection that was lost to the garbage collector, which has to wait."""
    gc.disable()
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    gc.enable()


async def first(system: System) -> int | None:
    """What a reader that has read nothing yet says to be the time of the first message, in ms."""
    await fill(system.settings["EVENT_HUBS_CONNECTION_STRING"])
    readers = [HubReader(clients.consumer(load(system.settings), "interactions"), 4) for _ in range(2)]
    heads = await readers[0].heads()
    at = await readers[1].first([-1] * 4, heads)
    await asyncio.gather(*(reader.close() for reader in readers))
    return at


@pytest.mark.usefixtures("_collected_sockets")
def test_a_reader_gets_every_message_once_although_the_server_is_killed(tmp_path: Path) -> None:
    system = System(tmp_path)
    try:
        system.event_hubs.start()
        system.event_hubs.ready()
        assert asyncio.run(read(system)) == list(range(MESSAGES))
    finally:
        system.end()


@pytest.mark.usefixtures("_collected_sockets")
def test_a_new_reader_knows_when_the_first_message_came(tmp_path: Path) -> None:
    system = System(tmp_path)
    try:
        system.event_hubs.start()
        system.event_hubs.ready()
        before = time.time()
        assert before - 1 <= (asyncio.run(first(system)) or 0) / 1000 <= time.time() + 1
    finally:
        system.end()
