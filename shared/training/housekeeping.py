"""What is done for loops beside the ticks of a trainer, for one after the other: no run waits for it."""

import asyncio
import logging

from shared import telemetry
from shared.joined_log import event_index
from shared.storage import Storage, StorageUnavailable
from shared.training import log_merging, retention, summary_merging
from shared.training.trainee import Trainee

# Runs after which a loop's indexes are merged. A trace reads each of those that are not.
UNMERGED = 8

_log = logging.getLogger(__name__)


class Housekeeping:
    """Merges indexes and logs, rolls up summaries and deletes what nobody needs, of loops that have committed a run."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._task: asyncio.Task[None] | None = None

    def start(self, trainees: list[Trainee]) -> None:
        """Begins with these loops, unless it is busy with others; then they have their turn after a later tick."""
        due = [one for one in trainees if one.unmerged >= UNMERGED or (one.untidy and retention.is_due(one.home))]
        if due and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._each(due))

    async def done(self) -> None:
        """Returns when it has come to its end."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Breaks off; what is left is done another time."""
        if self._task is not None:
            self._task.cancel()
        await self.done()

    async def _each(self, trainees: list[Trainee]) -> None:
        for trainee in trainees:
            try:
                async with trainee.tidying:
                    await (self._tidy if retention.is_due(trainee.home) else self._merge_indexes)(trainee)
            except Exception as error:
                cause = None if isinstance(error, StorageUnavailable) else error
                telemetry.error(_log, f"Its storage was not tidied: {error}", trainee.loop, cause)

    async def _tidy(self, trainee: Trainee) -> None:
        await self._merge_indexes(trainee)
        states, trainee.untidy = trainee.untidy, ()
        await retention.sweep(self._storage, trainee.home, trainee.config.retention_days, *states)
        await summary_merging.sweep(self._storage, trainee.home, trainee.config.retention_days)
        if trainee.merge is None:
            trainee.merge = await log_merging.prepare(self._storage, trainee.home)

    async def _merge_indexes(self, trainee: Trainee) -> None:
        trainee.unmerged = 0
        await event_index.merge(self._storage, trainee.home)
