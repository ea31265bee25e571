"""Azurite for the tests that need storage and nothing else of the service."""

from collections.abc import AsyncIterator, Iterator

import pytest
from harness.system import System

from shared.settings import load
from shared.storage import Storage


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("azurite"))
    try:
        system.storage.start()
        system.storage.ready()
        yield system
    finally:
        system.end()


@pytest.fixture
async def storage(azurite: System) -> AsyncIterator[Storage]:
    storage = Storage(load(azurite.settings))
    yield storage
    await storage.close()
