"""Storage and event hubs for tests in this process: one server of each kind, and in it what only one test has."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from harness.servers import Servers, serving, shorten_pauses

from shared.serving.service import Service
from shared.settings import Settings, load
from shared.storage import Storage


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with serving(tmp_path_factory.mktemp("servers")) as servers:
        asyncio.run(_connect(load(servers.environment())))
        yield servers


async def _connect(settings: Settings) -> None:
    """Imports the SDKs, which would else count as time of the first test."""
    import azure.eventhub.aio  # noqa: F401

    storage = Storage(settings)
    assert await storage.names("") == []
    await storage.close()


@pytest.fixture
def environment(servers: Servers) -> dict[str, str]:
    """The settings, as text, of a deployment that nobody has used yet and that has no event hubs."""
    return servers.environment()


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return load(environment)


@pytest.fixture
async def storage(settings: Settings) -> AsyncIterator[Storage]:
    storage = Storage(settings)
    yield storage
    await storage.close()


@pytest.fixture
async def parts(
    servers: Servers, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """A process of that deployment, with empty event hubs."""
    shorten_pauses(monkeypatch)
    service = Service(load(environment | servers.hubs()))
    yield service
    await service.close()
