"""One partition of the Event Hubs server, with a clock that stands still."""

import asyncio
import errno
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


async def test_a_disk_that_deletes_nothing_costs_no_acknowledgement_and_is_asked_again(
    still: Partition, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("os.unlink", refuse)
        patch.setattr(still.log, "_segment_size", 1)
        patch.setattr(still, "_retention", Retention(0))
        for _ in range(3):
            async with asyncio.timeout(5):
                await append(still).wait()
        still.release(through=2, before=1_800_000_000_000)
    assert "not deleted yet" in caplog.text
    assert still.log.first_sequence == 0
    still.release(through=2, before=1_800_000_000_000)
    assert still.log.first_sequence == 3
