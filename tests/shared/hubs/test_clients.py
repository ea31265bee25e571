"""What the clients of the event hubs do when nobody answers; `tests/faults` has servers that come and go."""

import asyncio
import contextlib
import dataclasses
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from azure.eventhub._pyamqp.error import AMQPLinkError, ErrorCondition
from azure.eventhub._transport._pyamqp_transport import PyamqpTransport
from azure.eventhub.aio import _client_base_async
from azure.eventhub.exceptions import EventHubError

from local.eventhubs.process import EventHubsProcess
from shared.hubs import clients, links
from shared.hubs.clients import Sender
from shared.hubs.event_log import MessageRefused
from shared.hubs.reader import HubReader
from shared.settings import Settings, load


def settings(port: int, partitions: int = 4) -> Settings:
    hub = f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=n;SharedAccessKey=k;UseDevelopmentEmulator=true"
    return load(
        {
            "APP_KEYS": "a",
            "ADMIN_KEYS": "b",
            "STORAGE_CONNECTION_STRING": "UseDevelopmentStorage=true",
            "EVENT_HUBS_CONNECTION_STRING": hub,
            "EVENT_HUBS_PARTITIONS": str(partitions),
            "LOG_TIMEOUT_SECONDS": "0.05",
        }
    )


class Relay:
    """Before a server; while it is silent, it takes what comes and gives nothing on. open: connections."""

    _server: asyncio.Server
    port: int

    def __init__(self, target: int) -> None:
        self._target, self.silent, self.open = target, False, 0
        self._tasks = set[asyncio.Task[None]]()

    @classmethod
    async def started(cls, target: int) -> Self:
        relay = cls(target)
        relay._server = await asyncio.start_server(relay._relay, "127.0.0.1", 0)
        relay.port = relay._server.sockets[0].getsockname()[1]
        return relay

    async def close(self) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = asyncio.current_task()
        assert own is not None
        self._tasks.add(own)
        own.add_done_callback(self._tasks.discard)
        self.open += 1
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        pumps = [asyncio.create_task(self._pump(reader, back)), asyncio.create_task(self._pump(there, writer))]
        try:
            await pumps[0]
        finally:
            self.open -= 1
            pumps[1].cancel()
            for one in (writer, back):
                one.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                if not self.silent:
                    sink.write(data)


async def test_a_server_that_never_answers_is_given_up_and_connected_to_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "SILENCE_SECONDS", 0.3)
    connections: list[asyncio.StreamWriter] = []

    async def swallow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sender = Sender(settings(port), "interactions")
    for number in (1, 2):
        with pytest.raises(TimeoutError, match="connecting anew"):
            await sender.send(0, b"{}\n")
        assert len(connections) == number
    assert await clients.answers(settings(port))
    await sender.close()
    server.close()
    for writer in connections:
        writer.close()
        await writer.wait_closed()
    assert not await clients.answers(settings(port))


async def test_clients_that_were_given_up_leave_no_connection_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several partitions, the first that gives up closes the links of all; the others open none behind it."""
    monkeypatch.setattr(clients, "SILENCE_SECONDS", 0.5)
    with EventHubsProcess(tmp_path, "interactions:4") as hub:
        relay = await Relay.started(hub.port)
        sender = Sender(settings(relay.port), "interactions")
        for is_back_at_once in (False, True):
            await asyncio.gather(*(sender.send(number, b"{}\n") for number in range(4)))
            relay.silent = True
            sends = []
            for number in range(4):
                sends.append(asyncio.create_task(sender.send(number, b"{}\n")))
                await asyncio.sleep(0.1)
            await asyncio.wait(sends, return_when=asyncio.FIRST_COMPLETED)
            relay.silent = not is_back_at_once
            ended = await asyncio.gather(*sends, return_exceptions=True)
            assert isinstance(ended[0], TimeoutError)
            relay.silent = False
        await asyncio.gather(*(sender.send(number, b"{}\n") for number in range(4)))
        async with asyncio.timeout(5):
            while sender._abandoned or relay.open > 4:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await sender.close()
        await relay.close()


class Connected:
    """What a client of the SDK was told."""

    def __init__(self, text: str, *, ssl_context: ssl.SSLContext, **_: Any) -> None:
        self.text, self.trusted = text, ssl_context.cert_store_stats()["x509_ca"]
        self.verifies = ssl_context.verify_mode == ssl.CERT_REQUIRED and ssl_context.check_hostname

    from_connection_string = classmethod(lambda cls, text, **options: cls(text, **options))


def test_certificates_are_read_where_there_is_tls_alone() -> None:
    emulator = settings(1)
    there = emulator.event_hubs_connection_string.removesuffix("UseDevelopmentEmulator=true")
    azure = dataclasses.replace(emulator, event_hubs_connection_string=there)
    local, remote = (clients._client(Connected, one, "interactions") for one in (emulator, azure))  # type: ignore[type-var]
    assert (local.text, remote.text) == (emulator.event_hubs_connection_string, there)
    assert local.trusted == 0 < remote.trusted
    assert local.verifies
    assert remote.verifies


async def test_a_link_is_opened_ahead_of_its_first_message_and_then_used(tmp_path: Path) -> None:
    """By the SDK's underscore names: if they are gone, this fails, and links open as slowly as the SDK opens them."""
    with EventHubsProcess(tmp_path, "interactions:2") as hub:
        sender = Sender(settings(hub.port, partitions=2), "interactions")
        await asyncio.gather(sender.open(1), sender.open(1))
        producer: Any = sender._client._producers["1"]
        opened = producer._handler
        assert producer.running
        await sender.send(1, b"{}\n")
        await sender.send(0, b"{}\n")
        assert producer._handler is opened
        await sender.close()


async def test_a_message_is_sent_once_more_when_its_link_was_cut(tmp_path: Path) -> None:
    with EventHubsProcess(tmp_path, "interactions:1") as hub:
        given = settings(hub.port, partitions=1)
        sender = Sender(given, "interactions")
        for text in (b"1\n", b"2\n", b"3\n"):
            await sender.send(0, text)
            producer: Any = sender._client._producers["0"]
            await producer._handler._connection._transport.close()  # as by the network
        reader = HubReader(clients.consumer(given, "interactions"), 1)
        (partition,) = reader.read([-1], [2])
        assert [message.body async for message in partition] == [b"1\n", b"2\n", b"3\n"]
        await reader.close()
        await sender.close()


@pytest.mark.parametrize("end", [EventHubsProcess.stop, EventHubsProcess.kill])
async def test_a_hub_that_has_restarted_gets_the_next_message_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Callable[[EventHubsProcess], None]
) -> None:
    """Azure ends connections, too: those that were idle for ten minutes, and those to a machine that is replaced."""
    paused: list[float] = []
    monkeypatch.setattr(_client_base_async, "asyncio", SimpleNamespace(**vars(asyncio) | {"sleep": paused.append}))
    port, sender = 0, None
    for _ in range(4):
        with EventHubsProcess(tmp_path, "interactions:1", port=port) as hub:
            port = hub.port
            sender = sender or Sender(settings(port, partitions=1), "interactions")
            await sender.send(0, b"{}\n")
            end(hub)
    assert sender is not None
    assert not paused
    await sender.close()


async def test_a_link_that_reads_is_opened_without_the_pauses_of_the_sdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the SDK's underscore names, as above."""
    paused, sleep = set[str](), asyncio.sleep

    async def note(seconds: float) -> None:
        paused.add(sys._getframe(1).f_code.co_name)
        await sleep(seconds)

    monkeypatch.setattr(_client_base_async, "asyncio", SimpleNamespace(sleep=note))
    with EventHubsProcess(tmp_path, "interactions:1") as hub:
        given = settings(hub.port, partitions=1)
        sender = Sender(given, "interactions")
        await sender.send(0, b"{}\n")
        reader = HubReader(clients.consumer(given, "interactions"), 1)
        (partition,) = reader.read([-1], [0])
        assert [message.body async for message in partition] == [b"{}\n"]
        await reader.close()
        await sender.close()
    assert paused == {"_management_request_async"}  # which opens no link that reads


async def test_a_partition_that_the_hub_does_not_have_is_an_error(tmp_path: Path) -> None:
    with EventHubsProcess(tmp_path, "interactions:1") as hub:
        sender = Sender(settings(hub.port, partitions=2), "interactions")
        with pytest.raises(EventHubError, match="has no partition 1"):
            await sender.send(1, b"{}\n")
        await sender.close()


async def test_a_message_that_is_too_large_is_refused_for_ever_and_others_go_on(tmp_path: Path) -> None:
    with EventHubsProcess(tmp_path, "interactions:1") as hub:
        sender = Sender(settings(hub.port, partitions=1), "interactions")
        for _ in range(2):
            with pytest.raises(MessageRefused):
                await sender.send(0, b"x" * 1_100_000)
            await sender.send(0, b"{}\n")
        await sender.close()


@pytest.mark.parametrize(
    ("condition", "refused"),
    [("LinkMessageSizeExceeded", True), ("LinkDetachForced", False), ("ResourceLimitExceeded", False)],
)
def test_the_end_of_a_link_refuses_a_message_if_it_names_its_size(condition: str, refused: bool) -> None:
    """Event Hubs ends the link where our own server rejects the message; the SDK makes another exception of that."""
    ended = AMQPLinkError(ErrorCondition[condition], description="the link is ended")
    assert links.is_refusal(PyamqpTransport._create_eventhub_exception(ended)) == refused
