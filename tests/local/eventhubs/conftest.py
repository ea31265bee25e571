"""A server process for the tests of a module, and a hub of its own for each test."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hubs import HUBS, PARTITIONS

from local.eventhubs.process import EventHubsProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventHubsProcess]:
    data = tmp_path_factory.mktemp("eventhubs")
    with EventHubsProcess(data, *(f"hub{number}:{PARTITIONS}" for number in range(HUBS))) as process:
        yield process
    assert process.process.returncode == 0
    assert process.log.read_text() == ""


@pytest.fixture(scope="module")
def hub_numbers() -> Iterator[int]:
    return count()


@pytest.fixture
def hub(hub_numbers: Iterator[int]) -> str:
    return f"hub{next(hub_numbers)}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory whose name has a space."""
    return tmp_path / "event hubs"
