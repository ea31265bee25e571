"""What the clients of the event hubs do when nobody answers; `tests/faults` has servers that come and go."""

import asyncio

import pytest

from shared import hubs
from shared.hubs import Sender
from shared.settings import Settings, load


def settings(port: int) -> Settings:
    hub = f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=n;SharedAccessKey=k;UseDevelopmentEmulator=true"
    return load(
        {
            "APP_KEYS": "a",
            "ADMIN_KEYS": "b",
            "STORAGE_CONNECTION_STRING": "UseDevelopmentStorage=true",
            "EVENT_HUBS_CONNECTION_STRING": hub,
            "LOG_TIMEOUT_SECONDS": "0.05",
        }
    )


# The SDK leaves the socket of a connection that was never opened to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_server_that_never_answers_is_given_up_and_connected_to_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "SILENCE_SECONDS", 0.3)
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
    assert await hubs.answers(settings(port))
    await sender.close()
    server.close()
    for writer in connections:
        writer.close()
        await writer.wait_closed()
    assert not await hubs.answers(settings(port))
