"""One partition of the Event Hubs server, with a clock that stands still."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.eventhubs import partition
from local.eventhubs.codec import messages
from local.eventhubs.disk.partition_log import Retention
from local.eventhubs.partition import Partition

EVENT = messages.event(b"\x00\x53\x75\xa0\x01x")


@pytest.fixture
async def still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Partition]:
    monkeypatch.setattr(partition, "_now", lambda: 1_700_000_000_000)
    made = Partition("0", tmp_path, Retention(1e9), asyncio.get_running_loop())
    yield made
    made.close()


def append(to: Partition) -> asyncio.Event:
    acknowledged = asyncio.Event()
    to.append([EVENT], 9, lambda _: acknowledged.set())
    return acknowledged


async def test_what_comes_after_a_barrier_is_later_than_what_the_barrier_waited_for(still: Partition) -> None:
    waiting, told = append(still), []
    still.barrier(lambda: told.append(still.log.head.last))
    await waiting.wait()
    await append(still).wait()
    assert told[0] is not None
    assert still.log.head.last.enqueued > told[0].enqueued
