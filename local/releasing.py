"""Tells the Event Hubs server which events every loop is done with, so that they do not fill the disk."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from local.eventhubs.disk.release import Release
from shared.auth import Keys
from shared.loops import stored
from shared.loops.blob_names import Home, home_of
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import DEFAULT_LOOP, new_loop
from shared.loops.registry import Registry
from shared.loops.stored import Damaged
from shared.loops.unreadable import Unreadable
from shared.settings import Settings
from shared.storage import Storage, StorageUnavailable

LOOK_SECONDS = 30.0
# Beyond the longest reward wait (s): runs that began before a commit may still read what it is done with.
MARGIN_SECONDS = 60.0


async def keep(settings: Settings, target: Path) -> None:
    """Writes the file again and again."""
    storage = Storage(settings)
    try:
        while True:
            with contextlib.suppress(StorageUnavailable, Unreadable, Damaged, OSError):  # next time, then
                (await look(settings, storage)).write(target)
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await storage.close()


async def look(settings: Settings, storage: Storage) -> Release:
    """What all loops are done with, and no younger than the longest of their reward waits."""
    loops = await Registry(storage, Keys()).refresh()
    homes = [home_of(DEFAULT_LOOP, ""), *(home_of(name, record.created) for name, record in loops.items())]
    done = [await _done(settings, storage, home) for home in homes]
    before = round((time.time() - max(one.wait for one in done) - MARGIN_SECONDS) * 1000)
    closed, settled = least([one.closed for one in done]), least([one.settled for one in done])
    return Release(before, {settings.interactions_hub: closed, settings.observations_hub: settled})


class Done(NamedTuple):
    """How far a loop is done with each partition of the two hubs, and its reward wait time (s)."""

    wait: float
    closed: list[int]
    settled: list[int]


async def _done(settings: Settings, storage: Storage, home: Home) -> Done:
    config = (await stored.read_config(storage, home)).value or new_loop(settings)
    checkpoint = (await stored.read_checkpoint(storage, home)).value or Checkpoint()
    return Done(config.wait, checkpoint.interactions, checkpoint.observations)


def least(positions: Sequence[list[int]]) -> list[int]:
    """The least position in each partition; in one that some loop does not know yet, nothing is done."""
    return [min(partition) for partition in zip(*positions, strict=False)]
