"""The asyncio azure-eventhub client against a real server."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.exceptions import AuthenticationError, ConnectionLostError, EventHubError
from hubs import PARTITIONS

from local.eventhubs.process import EventHubsProcess


def producer(server, hub, **options):
    return EventHubProducerClient.from_connection_string(server.connection_string, eventhub_name=hub, **options)


class Reader:
    """A consumer in the background that keeps what it gets."""

    def __init__(self):
        self.events, self.errors, self._changed = [], [], asyncio.Event()

    async def on_batch(self, context, events):
        self.events += [(context.partition_id, event) for event in events]
        self._changed.set()

    async def on_error(self, context, error):
        self.errors.append(error)
        self._changed.set()

    async def until(self, count=0, errors=0):
        async with asyncio.timeout(20):
            while len(self.events) < count or len(self.errors) < errors:
                await self._changed.wait()
                self._changed.clear()

    def bodies(self, partition=None):
        return [event.body_as_str() for where, event in self.events if partition in (None, where)]


@asynccontextmanager
async def reading(server, hub, group="$Default", **options):
    client = EventHubConsumerClient.from_connection_string(
        server.connection_string, group, eventhub_name=hub, retry_total=0
    )
    reader = Reader()
    async with client:
        options = {"starting_position": "-1", "max_wait_time": 0.1} | options
        task = asyncio.create_task(client.receive_batch(reader.on_batch, on_error=reader.on_error, **options))
        yield reader
        task.cancel()  # left alone it sleeps for half a minute between looks at its partitions
        with suppress(asyncio.CancelledError):
            await task


async def test_events_reach_waiting_readers_of_all_partitions(server, hub):
    async with reading(server, hub) as reader, producer(server, hub) as client:
        for number in range(4 * PARTITIONS):
            await client.send_event(EventData(str(number)))
        await reader.until(4 * PARTITIONS)
    assert sorted(map(int, reader.bodies())) == list(range(4 * PARTITIONS))
    for partition in range(PARTITIONS):
        assert len(reader.bodies(str(partition))) == 4


async def test_the_latest_position_skips_what_was_there(server, hub):
    async with producer(server, hub) as client:
        await client.send_event(EventData("old"), partition_id="0")
        async with reading(server, hub, partition_id="0", starting_position="@latest") as reader:
            while not reader.events:
                await client.send_event(EventData("new"), partition_id="0")
                await asyncio.sleep(0.1)
    assert set(reader.bodies()) == {"new"}


async def test_buffered_mode_delivers_every_event(server, hub):
    failures = []

    async def on_success(events, partition):
        pass

    async def on_error(events, partition, error):
        failures.append(error)

    options = {"buffered_mode": True, "on_success": on_success, "on_error": on_error, "max_wait_time": 0.2}
    async with producer(server, hub, **options) as client:
        for number in range(2000):
            await client.send_event(EventData(str(number)), partition_id=str(number % 2))
        await client.flush()
    async with reading(server, hub, prefetch=3000) as reader:
        await reader.until(2000)
    assert not failures
    assert reader.bodies("0") == [str(number) for number in range(0, 2000, 2)]
    assert reader.bodies("1") == [str(number) for number in range(1, 2000, 2)]


async def test_a_higher_epoch_takes_the_partition(server, hub):
    async with producer(server, hub) as client:
        await client.send_event(EventData("x"), partition_id="0")
    async with reading(server, hub, partition_id="0", owner_level=1) as first:
        await first.until(1)
        async with reading(server, hub, partition_id="0", owner_level=2) as second:
            await second.until(1)
            await first.until(errors=1)
    assert isinstance(first.errors[0], ConnectionLostError)
    assert "epoch 2 has taken this partition" in str(first.errors[0])


async def test_a_position_that_has_never_been_is_an_error(server, hub):
    async with reading(server, hub, partition_id="0", starting_position=7) as reader:
        await reader.until(errors=1)
    assert "sequence number 7 is invalid: the last one is -1" in str(reader.errors[0])


async def test_with_a_key_only_clients_that_have_it_get_in(folder):
    with EventHubsProcess(folder, "events:2", options=("--key", "secret+/=", "--key-name", "app")) as server:

        def string(name, key):
            endpoint = f"Endpoint=sb://127.0.0.1:{server.port};UseDevelopmentEmulator=true"
            return f"{endpoint};SharedAccessKeyName={name};SharedAccessKey={key}"

        good = EventHubProducerClient.from_connection_string(string("app", "secret+/="), eventhub_name="events")
        async with good:
            await good.send_event(EventData("x"), partition_id="0")
            assert (await good.get_partition_properties("0"))["last_enqueued_sequence_number"] == 0
        for name, key in (("app", "wrong"), ("other", "secret+/=")):
            client = EventHubProducerClient.from_connection_string(
                string(name, key), eventhub_name="events", retry_total=0
            )
            async with client:
                with pytest.raises(AuthenticationError, match="check the connection string"):
                    await client.send_event(EventData("x"), partition_id="0")
                with pytest.raises(AuthenticationError):
                    await client.get_eventhub_properties()
        assert server.log.read_text() == ""


async def test_the_head_of_a_partition_includes_everything_that_was_acknowledged_or_stamped(server, hub):
    async with producer(server, hub) as client:
        sent = 0

        async def send():
            nonlocal sent
            while sent < 200:
                await client.send_event(EventData("x"), partition_id="0")
                sent += 1

        task = asyncio.create_task(send())
        heads = []
        while not task.done():
            before = sent
            head = await client.get_partition_properties("0")
            assert before - 1 <= head["last_enqueued_sequence_number"]
            heads.append(head)
        await task
    assert len(heads) > 1
    async with reading(server, hub, partition_id="0") as reader:
        await reader.until(200)
    times = [event.enqueued_time for _, event in reader.events]
    assert times == sorted(times)
    for head in heads:
        newer = [event for _, event in reader.events if event.sequence_number > head["last_enqueued_sequence_number"]]
        assert all(event.enqueued_time > head["last_enqueued_time_utc"] for event in newer)


async def test_a_closed_server_is_an_error_and_a_restarted_one_is_found_again(folder):
    with EventHubsProcess(folder, "events:1") as server:
        async with producer(server, "events", retry_total=0) as client:
            await client.send_event(EventData("1"), partition_id="0")
            server.stop()
            with pytest.raises(EventHubError):
                await client.send_event(EventData("2"), partition_id="0")
            with EventHubsProcess(folder, "events:1", port=server.port) as again:
                await client.send_event(EventData("3"), partition_id="0")
                async with reading(again, "events") as reader:
                    await reader.until(2)
                assert reader.bodies() == ["1", "3"]
