"""The synchronous azure-eventhub client against a real server."""

import gc
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.exceptions import ConnectError, EventDataSendError, EventHubError
from hubs import PARTITIONS
from raw_client import RawClient

from local.eventhubs.partition_key import partition_of

# The client forgets, unclosed, the socket of a connection that failed; the collector finds it.
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _collected_sockets():
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def producer(server, hub):
    options = {"eventhub_name": hub, "retry_total": 0}
    with EventHubProducerClient.from_connection_string(server.connection_string, **options) as client:
        yield client


@pytest.fixture
def consumer(server, hub):
    client = EventHubConsumerClient.from_connection_string(
        server.connection_string, "$Default", eventhub_name=hub, socket_timeout=0.02, retry_total=0
    )
    with client:
        yield client


def receive(client, count, **options):
    """The first `count` events, by whatever partitions `options` name."""
    events, done = [], threading.Event()

    def on_event(context, event):
        events.append((context.partition_id, event))
        if len(events) >= count:
            done.set()

    thread = threading.Thread(target=client.receive, args=(on_event,), kwargs={"starting_position": "-1"} | options)
    thread.start()
    arrived = done.wait(20)
    client.close()
    thread.join()
    assert arrived, f"{len(events)} of {count} events came"
    return events


def bodies(events):
    return [event.body_as_str() for _, event in events]


def test_single_events_lists_and_batches_arrive_in_order(producer, consumer):
    producer.send_event(EventData("single"), partition_id="3")
    producer.send_batch([EventData(f"list {number}") for number in range(3)], partition_id="3")
    batch = producer.create_batch(partition_id="3")
    for number in range(1000):
        batch.add(EventData(f"batch {number}"))
    producer.send_batch(batch)
    events = receive(consumer, 1004, partition_id="3", prefetch=3000)
    assert bodies(events) == ["single", *(f"list {n}" for n in range(3)), *(f"batch {n}" for n in range(1000))]
    assert [event.sequence_number for _, event in events] == list(range(1004))
    assert len({event.offset for _, event in events}) == 1004


def test_a_message_arrives_as_it_was_sent(producer, consumer):
    event = EventData(b"\x00\xff body")
    event.properties = {"text": "ü", "number": 7, "yes": True}
    event.content_type, event.message_id, event.correlation_id = "application/x", "id-1", "c-1"
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    producer.send_event(event, partition_key="some key")
    ((partition, got),) = receive(consumer, 1)
    assert b"".join(got.body) == b"\x00\xff body"
    assert got.properties == {b"text": "ü".encode(), b"number": 7, b"yes": True}
    assert (got.content_type, got.message_id, got.correlation_id) == ("application/x", "id-1", "c-1")
    assert got.partition_key == b"some key"
    assert partition == str(partition_of("some key", PARTITIONS))
    assert before <= got.enqueued_time <= datetime.now(UTC) + timedelta(milliseconds=1)
    assert (got.sequence_number, got.offset) == (0, "0")


def test_a_batch_with_a_partition_key_goes_to_its_partition(producer, consumer):
    batch = producer.create_batch(partition_key="event_id")
    for number in range(5):
        batch.add(EventData(str(number)))
    producer.send_batch(batch)
    events = receive(consumer, 5)
    assert {partition for partition, _ in events} == {str(partition_of("event_id", PARTITIONS))}
    assert {event.partition_key for _, event in events} == {b"event_id"}


def test_a_batch_of_one_mebibyte_arrives_whole(producer, consumer):
    batch = producer.create_batch(partition_id="0")
    count = 0
    while True:
        try:
            batch.add(EventData(b"%05d" % count + b"x" * 5000))
        except ValueError:
            break
        count += 1
    assert batch.max_size_in_bytes == 1 << 20
    producer.send_batch(batch)
    producer.send_event(EventData(b"y" * ((1 << 20) - 40)), partition_id="0")
    events = receive(consumer, count + 1, partition_id="0", prefetch=3000)
    assert [int(body[:5]) for body in bodies(events)[:-1]] == list(range(count))
    assert len(bodies(events)[-1]) == (1 << 20) - 40


def test_more_events_than_the_transfer_window_arrive_once_and_in_order(server, hub, consumer):
    total = 66_500
    with RawClient(server.port) as client:
        client.open()
        client.fill(f"{hub}/Partitions/4", total)
    assert bodies(receive(consumer, total, partition_id="4", prefetch=3000)) == [f"{n} " for n in range(total)]


def test_a_message_over_the_limit_is_refused_with_a_reason(producer):
    with pytest.raises(EventDataSendError, match="at most 1048576"):
        producer.send_event(EventData(b"x" * ((1 << 20) + 1)), partition_id="0")
    producer.send_event(EventData(b"small"), partition_id="0")


def test_reading_can_start_anywhere(server, hub, producer):
    for number in range(3):
        producer.send_event(EventData(str(number)), partition_id="1")

    def read(count, position, inclusive=False):
        client = EventHubConsumerClient.from_connection_string(
            server.connection_string, "$Default", eventhub_name=hub, socket_timeout=0.02
        )
        options = {"starting_position": position, "starting_position_inclusive": inclusive}
        return receive(client, count, partition_id="1", **options)

    second = read(3, "-1")[1][1]
    with ThreadPoolExecutor() as pool:
        after_first = pool.submit(read, 2, 0)
        from_second = pool.submit(read, 2, second.offset, inclusive=True)
        after_second = pool.submit(read, 1, second.offset)
        since_second = pool.submit(read, 2, second.enqueued_time, inclusive=True)
    assert bodies(after_first.result()) == ["1", "2"]
    assert bodies(from_second.result()) == ["1", "2"]
    assert bodies(after_second.result()) == ["2"]
    assert bodies(since_second.result()) == ["1", "2"]


def test_properties_of_hub_and_partitions(producer, hub):
    start = datetime.now(UTC)
    properties = producer.get_eventhub_properties()
    assert properties["eventhub_name"] == hub
    assert properties["partition_ids"] == [str(number) for number in range(PARTITIONS)]
    assert start - timedelta(minutes=5) < properties["created_at"] <= start
    empty = producer.get_partition_properties("5")
    assert empty["is_empty"]
    assert (empty["beginning_sequence_number"], empty["last_enqueued_sequence_number"]) == (-1, -1)
    assert empty["last_enqueued_offset"] == "-1"
    producer.send_batch([EventData("a"), EventData("b")], partition_id="5")
    filled = producer.get_partition_properties("5")
    assert not filled["is_empty"]
    assert (filled["beginning_sequence_number"], filled["last_enqueued_sequence_number"]) == (0, 1)
    assert int(filled["last_enqueued_offset"]) > 0
    assert start - timedelta(seconds=1) < filled["last_enqueued_time_utc"] < start + timedelta(seconds=30)


def test_unknown_hubs_and_partitions_are_not_found(server, producer):
    options = {"eventhub_name": "nowhere", "retry_total": 0}
    with EventHubProducerClient.from_connection_string(server.connection_string, **options) as client:
        with pytest.raises(ConnectError, match="there is no event hub nowhere, only: hub0"):
            client.send_event(EventData("x"))
        with pytest.raises(EventHubError, match="there is no event hub nowhere"):
            client.send_event(EventData("x"), partition_id="0")
    with pytest.raises(EventHubError, match="no partition 77"):
        producer.get_partition_properties("77")


def test_runtime_metrics_come_with_every_event(producer, server, hub):
    producer.send_batch([EventData("a"), EventData("b")], partition_id="2")
    seen, done = [], threading.Event()

    def on_event(context, _):
        seen.append(context.last_enqueued_event_properties)
        if len(seen) == 2:
            done.set()

    client = EventHubConsumerClient.from_connection_string(
        server.connection_string, "$Default", eventhub_name=hub, socket_timeout=0.02
    )
    options = {"partition_id": "2", "starting_position": "-1", "track_last_enqueued_event_properties": True}
    thread = threading.Thread(target=client.receive, args=(on_event,), kwargs=options)
    thread.start()
    assert done.wait(20)
    client.close()
    thread.join()
    assert [metrics["sequence_number"] for metrics in seen] == [1, 1]
    assert all(metrics["enqueued_time"] <= metrics["retrieval_time"] for metrics in seen)
    assert seen[0]["offset"] == producer.get_partition_properties("2")["last_enqueued_offset"]


def test_a_partition_is_shared_by_many_producers_without_loss(server, hub, consumer):
    def send(name):
        with EventHubProducerClient.from_connection_string(server.connection_string, eventhub_name=hub) as client:
            for number in range(30):
                client.send_event(EventData(f"{name} {number}"), partition_id="0")

    threads = [threading.Thread(target=send, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = bodies(receive(consumer, 240, partition_id="0"))
    for name in range(8):
        assert [event for event in events if event.startswith(f"{name} ")] == [f"{name} {n}" for n in range(30)]
