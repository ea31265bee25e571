"""Events that expired in the hubs before they were read: counted and reported, and what follows them is learned."""

import asyncio
from pathlib import Path

import pytest
from harness.servers import Servers, shorten_pauses
from harness.trained import Deployment, trainer

from local.eventhubs.process import EventHubsProcess
from shared.serving.service import Service
from shared.settings import load

HUBS = ("interactions:1", "observations:1")


def expire(data: Path) -> None:
    for segment in data.rglob("*.segment"):
        segment.unlink()


async def test_they_are_counted_once_and_reported(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shorten_pauses(monkeypatch)
    environment = servers.environment() | {"EVENT_HUBS_PARTITIONS": "1"}

    async def with_hubs(hub: EventHubsProcess, work: str) -> dict[str, int]:
        parts = Service(load(environment | {"EVENT_HUBS_CONNECTION_STRING": hub.connection_string}))
        deployed = Deployment(parts)
        try:
            if work == "begin":
                await deployed.make("default")
                await deployed.rank("a")
            elif work == "lose":
                await deployed.rank("b")
                await deployed.rank("c")
                await deployed.reward("b")
                return {}
            else:
                await deployed.rank("d")
            async with trainer(parts) as one:
                await one.tick()
                await one.tick()
            return await deployed.counts()
        finally:
            await parts.close()

    with EventHubsProcess(tmp_path, *HUBS) as hub:
        assert await with_hubs(hub, "begin") == {"skipped": 1}
    with EventHubsProcess(tmp_path, *HUBS) as hub:
        await with_hubs(hub, "lose")
    await asyncio.to_thread(expire, tmp_path)
    with EventHubsProcess(tmp_path, *HUBS) as hub:
        assert await with_hubs(hub, "go on") == {"skipped": 2, "expired": 3}
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert sum("expired in the event hub before they were read" in text for text in told) == 2
