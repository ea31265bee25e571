"""The wire, frame by frame: flow control, limits and refusals, with a client that does what the SDK never would."""

import random
import socket
import time

import pytest
from hubs import HUBS
from raw_client import ACCEPTED, REJECTED, RawClient, body, data, framed

from local.eventhubs.codec import frames
from local.eventhubs.codec.decode import Bytes
from local.eventhubs.codec.encode import (
    FALSE,
    NULL,
    TRUE,
    binary,
    described,
    long,
    mapping,
    sequence,
    string,
    symbol,
    uint,
)
from local.eventhubs.codec.frames import AMQP_HEADER, SASL_HEADER
from local.eventhubs.process import EventHubsProcess


@pytest.fixture
def client(server):
    with RawClient(server.port) as client:
        client.open()
        yield client


@pytest.fixture
def other(server):
    with RawClient(server.port) as client:
        client.open()
        yield client


def closed_with(client: RawClient) -> tuple[str, str]:
    """Condition and description of the error that the server closes the connection with."""
    error = client.read(frames.CLOSE).fields[0].value
    with pytest.raises(ConnectionError):
        client.read()
    return error[0], error[1]


def still_serves(server: EventHubsProcess, hub: str) -> None:
    with RawClient(server.port) as client:
        client.open()
        client.attach_producer(f"{hub}/Partitions/0")
        client.transfer(0, data(b"x"))
        assert client.outcome().descriptor == ACCEPTED


def numbers(client: RawClient, count: int) -> list[int]:
    """The numbers that the next `count` messages begin with."""
    return [number_of(client.read(frames.TRANSFER).payload) for _ in range(count)]


def number_of(message: Bytes) -> int:
    return int(body(message).split(b" ")[0])


def silent(client: RawClient, seconds: float = 0.2) -> bool:
    client.socket.settimeout(seconds)
    try:
        client.read()
    except TimeoutError:
        return True
    finally:
        client.socket.settimeout(10)
    return False


def test_credit_is_never_exceeded(client, hub):
    client.fill(f"{hub}/Partitions/0", 20)
    client.attach_consumer(f"{hub}/ConsumerGroups/$Default/Partitions/0", credit=7)
    assert numbers(client, 7) == list(range(7))
    assert silent(client)
    client.flow(2, credit=5, count=7, next_incoming=7)
    assert numbers(client, 5) == list(range(7, 12))
    assert silent(client)


def test_the_session_window_is_never_exceeded_even_inside_a_message(server, hub):
    with RawClient(server.port) as client:
        client.open(max_frame=512, window=3)
        client.fill(f"{hub}/Partitions/0", 3, b"x" * 1000)
        client.attach_consumer(f"{hub}/Partitions/0", credit=100, window=3)
        pieces = []
        while len(pieces) < 9:
            pieces += [client.read(frames.TRANSFER) for _ in range(3)]
            assert silent(client, 0.05)
            client.flow(2, credit=100, next_incoming=len(pieces), window=3)
        messages, message = [], b""
        for piece in pieces:
            message += bytes(piece.payload)
            if not piece.fields.flag(5):
                messages.append(number_of(message))
                message = b""
        assert messages == [0, 1, 2]
        assert {len(bytes(piece.payload)) for piece in pieces if piece.fields.flag(5)} == {512 - frames.TRANSFER_SIZE}


def test_drain_gives_unused_credit_back(client, hub):
    client.fill(f"{hub}/Partitions/0", 2)
    client.attach_consumer(f"{hub}/Partitions/0", credit=10)
    assert numbers(client, 2) == [0, 1]
    fields = (uint(2), uint(65536), uint(0), uint(65536), uint(2), uint(2), uint(8), NULL, TRUE, FALSE)
    client.send(frames.frame(1, frames.FLOW, *fields))
    drained = client.read(frames.FLOW).fields
    assert (drained.number(5), drained.number(6), drained.flag(8)) == (10, 0, True)


def test_an_echo_is_answered(client, hub):
    client.attach_producer(f"{hub}/Partitions/0")
    client.send(frames.frame(1, frames.FLOW, uint(0), uint(1), uint(0), uint(1), *[NULL] * 5, TRUE))
    assert client.read(frames.FLOW).fields[4] is None
    client.send(frames.frame(1, frames.FLOW, uint(0), uint(1), uint(0), uint(1), uint(1), NULL, NULL, NULL, NULL, TRUE))
    assert client.read(frames.FLOW).fields[4] == 1


def test_a_producer_gets_credit_as_it_uses_it(client, hub):
    client.attach_producer(f"{hub}/Partitions/0")
    for delivery in range(500):
        client.transfer(delivery, data(b"x"))
    renewed = client.read(frames.FLOW).fields
    assert (renewed.number(0), renewed.number(5), renewed.number(6)) == (500, 500, 1000)


def test_deliveries_are_acknowledged_unless_they_came_settled(client, hub):
    client.attach_producer(f"{hub}/Partitions/0")
    settled = (uint(1), uint(0), binary(b"t"), uint(0), TRUE, FALSE)
    client.send_frame(described(frames.TRANSFER, sequence(*settled)) + data(b"0 "))
    client.transfer(1, data(b"1 "))
    assert client.read(frames.DISPOSITION).fields.number(1) == 1
    client.attach_consumer(f"{hub}/Partitions/0", credit=5)
    assert numbers(client, 2) == [0, 1]


def test_an_aborted_delivery_leaves_nothing(client, hub):
    client.attach_producer(f"{hub}/Partitions/0")
    client.transfer(0, data(b"0 ")[:5], more=True)
    client.send_frame(described(frames.TRANSFER, sequence(uint(1), *[NULL] * 8, TRUE)))
    client.transfer(1, data(b"1 "))
    assert client.read(frames.DISPOSITION).fields.number(1) == 1
    client.attach_consumer(f"{hub}/Partitions/0", credit=5)
    assert numbers(client, 1) == [1]


def test_a_delivery_that_is_no_message_is_rejected_and_the_link_goes_on(client, hub):
    client.attach_producer(f"{hub}/Partitions/0")
    for delivery, (payload, message_format) in enumerate(
        [(b"garbage", 0), (b"", 0), (data(b"x"), 0x80013700), (data(b"x"), 99)]
    ):
        client.transfer(delivery, payload, message_format)
        outcome = client.outcome()
        assert outcome.descriptor == REJECTED
        assert outcome.value[0].value[0] in ("amqp:decode-error", "amqp:not-allowed")
    client.transfer(9, data(b"9 "))
    assert client.outcome().descriptor == ACCEPTED
    client.attach_consumer(f"{hub}/Partitions/0", credit=5)
    assert numbers(client, 1) == [9]


def test_an_endless_delivery_takes_no_memory_and_is_rejected(server, client, hub):
    client.attach_producer(f"{hub}/Partitions/0")
    before = resident(server)
    for _ in range(100):
        client.transfer(0, b"x" * 900_000, more=True)
    client.transfer(0, b"x")
    outcome = client.outcome()
    assert outcome.descriptor == REJECTED
    assert outcome.value[0].value[0] == "amqp:link:message-size-exceeded"
    assert resident(server) - before < 20 << 20


def resident(server: EventHubsProcess) -> int:
    with open(f"/proc/{server.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


REFUSED_ADDRESSES = {
    "hub99/Partitions/0": "there is no event hub hub99",
    "hub1/Partitions/99": "has no partition 99",
    "hub1/Partitions/0/more": "there is nothing at",
    "": "there is nothing at",
    "amqps://[broken/hub1": "there is nothing at",
    "hub1/Partitions/-1": "has no partition -1",
}


@pytest.mark.parametrize(("address", "text"), REFUSED_ADDRESSES.items())
@pytest.mark.parametrize("receiver", [True, False])
def test_unknown_addresses_are_refused_by_detaching(client, address, text, receiver):
    answer = client.attach(1, address, address, receiver)
    assert answer.fields[5] is not None
    assert answer.fields[6] is not None
    error = client.read(frames.DETACH).fields[2].value
    assert error[0] == "amqp:not-found"
    assert text in error[1]


def test_a_consumer_needs_a_partition(client, hub):
    client.attach(1, hub, "here", True)
    assert "no partition (none given)" in client.read(frames.DETACH).fields[2].value[1]


def test_addresses_are_paths_of_any_case_and_scheme(client, hub):
    client.attach_producer(f"amqps://elsewhere:1234/{hub.upper()}/PARTITIONS/0")
    client.transfer(0, data(b"0 "))
    assert client.outcome().descriptor == ACCEPTED
    client.attach_consumer(f"amqp://localhost/{hub}/consumergroups/any/partitions/0", credit=1)
    assert numbers(client, 1) == [0]


SELECTORS = {
    "amqp.annotation.x-opt-sequence-number > '-1'": [0, 1, 2],
    "amqp.annotation.x-opt-sequence-number > '0'": [1, 2],
    "amqp.annotation.x-opt-sequence-number >= '2'": [2],
    "amqp.annotation.x-opt-offset > '-1'": [0, 1, 2],
    "amqp.annotation.x-opt-enqueued-time > '0'": [0, 1, 2],
    "": [0, 1, 2],
}


@pytest.mark.parametrize(("selector", "expected"), SELECTORS.items())
def test_selectors_choose_the_start(client, selector, expected):
    hub = f"hub{HUBS - 1}"
    client.fill(f"{hub}/Partitions/0", 3)
    client.attach_consumer(f"{hub}/Partitions/0", 3, selector)
    assert numbers(client, len(expected)) == expected


@pytest.mark.parametrize(
    "selector", ["nonsense", "amqp.annotation.x-opt-offset > 'x'", "amqp.annotation.x-opt-sequence-number > '99999'"]
)
def test_selectors_that_make_no_sense_are_refused(client, hub, selector):
    client.attach_consumer(f"{hub}/Partitions/0", 3, selector)
    assert client.read(frames.DETACH).fields[2].value[0] == "com.microsoft:argument-error"


def attach_reader(client: RawClient, hub: str, handle: int, epoch: int | None = None) -> None:
    source = described(frames.SOURCE, sequence(string(f"{hub}/Partitions/0")))
    target = described(frames.TARGET, sequence(string("here")))
    properties = NULL if epoch is None else mapping(symbol("com.microsoft:epoch"), long(epoch))
    head = (string(f"reader {handle}"), uint(handle), TRUE, NULL, NULL, source, target)
    client.send(frames.frame(1, frames.ATTACH, *head, *[NULL] * 6, properties))


def test_epochs_decide_who_reads(client, hub):
    attach_reader(client, hub, 1)
    attach_reader(client, hub, 2, epoch=5)
    assert client.read(frames.DETACH).fields.number(0) == 1
    attach_reader(client, hub, 3, epoch=4)
    refused = client.read(frames.DETACH).fields
    assert (refused.number(0), refused[2].value[0]) == (3, "amqp:link:stolen")
    attach_reader(client, hub, 4)
    assert client.read(frames.DETACH).fields.number(0) == 4
    attach_reader(client, hub, 5, epoch=5)
    assert client.read(frames.DETACH).fields.number(0) == 2
    client.send(frames.detach(1, 5))
    assert client.read(frames.DETACH).fields.number(0) == 5
    attach_reader(client, hub, 6)
    client.read(frames.ATTACH)
    assert silent(client)


def test_five_readers_without_epoch_share_a_partition_and_a_sixth_is_refused(client, hub):
    for handle in range(1, 7):
        attach_reader(client, hub, handle)
    refused = client.read(frames.DETACH).fields
    assert refused.number(0) == 6
    assert "at most 5 readers" in refused[2].value[1]


def test_a_lost_connection_gives_its_place_back(server, hub):
    for _ in range(8):
        with RawClient(server.port) as client:
            client.open()
            attach_reader(client, hub, 1)
    with RawClient(server.port) as client:
        client.open()
        attach_reader(client, hub, 1)
        client.read(frames.ATTACH)
        assert silent(client)


def test_a_peer_with_an_idle_timeout_gets_empty_frames(server):
    with RawClient(server.port) as client:
        client.open(idle=uint(200))
        deadline = time.monotonic() + 10
        while client.take(8) != frames.EMPTY_FRAME:
            assert time.monotonic() < deadline


def test_a_reader_that_does_not_read_does_not_fill_the_servers_memory(server, client, other, hub):
    client.fill(f"{hub}/Partitions/0", 9000, b"x" * 2000)
    before = resident(server)
    other.attach_consumer(f"{hub}/Partitions/0", credit=9000)
    still_serves(server, hub)
    assert resident(server) - before < 8 << 20
    assert numbers(other, 9000) == list(range(9000))


def test_a_peer_that_sends_requests_and_reads_no_answers_is_not_read_for_ever(server, client, hub):
    client.attach_producer(f"{hub}/Partitions/0")
    before = resident(server)
    echo = frames.frame(1, frames.FLOW, uint(0), uint(1), uint(0), uint(1), *[NULL] * 5, TRUE) * 1000
    client.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        client.send(echo * 1000)
    assert resident(server) - before < 20 << 20
    still_serves(server, hub)


BAD_FRAMES = {
    "not AMQP": b"GET / HTTP/1.1\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03",
    "frame too large": AMQP_HEADER + b"\xff\xff\xff\xff\x02\x00\x00\x00",
    "frame too small": AMQP_HEADER + b"\x00\x00\x00\x01\x02\x00\x00\x00",
    "data offset behind the frame": AMQP_HEADER + b"\x00\x00\x00\x08\xff\x00\x00\x00",
    "no performative": AMQP_HEADER + b"\x00\x00\x00\x09\x02\x00\x00\x00\x40",
    "begin before open": AMQP_HEADER + frames.begin(0, 0),
    "sasl frame of a server": SASL_HEADER + frames.sasl_outcome(0),
}


@pytest.mark.parametrize("sent", BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_bad_beginnings_close_the_connection_with_an_error(server, hub, sent):
    with RawClient(server.port, sasl=False) as client:
        client.send(sent)
        if sent.startswith(SASL_HEADER):
            client.take(8)
            client.read(frames.SASL_MECHANISMS)
        client.take(8)
        condition, description = closed_with(client)
    assert condition.startswith("amqp:")
    assert description


def broken(channel: int, code: int, *fields: bytes) -> bytes:
    return frames.frame(channel, code, *fields)


BAD_LATER = {
    "second open": frames.open_frame("x"),
    "second begin": frames.begin(1, 1),
    "transfer without link": broken(1, frames.TRANSFER, uint(9), uint(0)),
    "transfer without handle": broken(1, frames.TRANSFER, NULL, uint(0)),
    "flow with a string": broken(1, frames.FLOW, string("x"), string("y")),
    "attach without name": broken(1, frames.ATTACH, NULL, uint(5), FALSE),
    "attach with a large handle": broken(1, frames.ATTACH, string("x"), uint(70_000), FALSE),
    "begin with a negative number": broken(2, frames.BEGIN, NULL, long(-1), uint(1)),
    "performative that is no list": b"\x00\x00\x00\x0c\x02\x00\x00\x01\x00\x53\x12\x40",
}


@pytest.mark.parametrize("sent", BAD_LATER.values(), ids=BAD_LATER)
def test_bad_frames_close_only_their_connection(client, other, hub, sent):
    other.attach_producer(f"{hub}/Partitions/0")
    client.send(sent)
    condition, description = closed_with(client)
    assert condition.startswith("amqp:")
    assert description
    other.transfer(0, data(b"x"))
    assert other.outcome().descriptor == ACCEPTED


def test_frames_for_unknown_channels_are_ignored(client, hub):
    client.send(frames.detach(7, 1))
    client.attach_producer(f"{hub}/Partitions/0")


def test_a_session_can_be_ended_and_the_connection_closed(client):
    client.send(frames.end(1))
    assert client.read(frames.END).channel == 1
    client.send(frames.detach(1, 1))
    client.send(frames.close())
    assert client.read(frames.CLOSE).fields[0] is None
    with pytest.raises(ConnectionError):
        client.read()


def conversation(hub: str) -> list[bytes]:
    """Frames that a client might send, whole and valid."""
    source = described(frames.SOURCE, sequence(string(f"{hub}/Partitions/0")))
    target = described(frames.TARGET, sequence(string(f"{hub}/Partitions/0")))
    link = (NULL, NULL, source, target)
    transfer = sequence(uint(1), uint(0), binary(b"t"), uint(0), FALSE, FALSE)
    return [
        SASL_HEADER + frames.frame(0, frames.SASL_INIT, symbol("ANONYMOUS"), kind=1),
        AMQP_HEADER + frames.open_frame("fuzz"),
        frames.frame(1, frames.BEGIN, NULL, uint(0), uint(100), uint(100)),
        frames.frame(1, frames.ATTACH, string("a"), uint(1), FALSE, *link),
        frames.frame(1, frames.ATTACH, string("b"), uint(2), TRUE, *link),
        frames.frame(1, frames.FLOW, uint(0), uint(100), uint(0), uint(100), uint(2), uint(0), uint(50)),
        framed(described(frames.TRANSFER, transfer) + data(b"x" * 50)),
        frames.detach(1, 1),
        frames.end(1),
        frames.close(),
    ]


def test_damaged_conversations_harm_nobody_else(server, other, hub):
    """Also checked by the `server` fixture: the server's log stays empty."""
    other.attach_producer(f"{hub}/Partitions/1")
    randomness = random.Random(7)
    for attempt in range(1500):
        stream = bytearray(b"".join(conversation(hub)))
        for _ in range(randomness.randint(1, 4)):
            stream[randomness.randrange(8, len(stream))] = randomness.randrange(256)
        with RawClient(server.port, sasl=False) as client:
            client.send(stream[: randomness.randrange(8, len(stream) + 1)])
            client.socket.shutdown(socket.SHUT_WR)
            while client.socket.recv(65536):
                pass
        if attempt % 100 == 0:
            other.transfer(attempt, data(b"x"))
            assert other.outcome().descriptor == ACCEPTED
    still_serves(server, hub)


def test_too_many_connections_are_refused_with_an_error(folder):
    with EventHubsProcess(folder, "events:1", options=("--max-connections", "3")) as server:
        clients = [RawClient(server.port) for _ in range(3)]
        with RawClient(server.port) as fourth:
            fourth.send(AMQP_HEADER + frames.open_frame("x"))
            assert fourth.take(8) == AMQP_HEADER
            assert closed_with(fourth)[0] == "amqp:resource-limit-exceeded"
        for client in clients:
            client.close()
        still_serves(server, "events")
