"""What is done for loops beside the ticks of a trainer, for one after the other: no run waits for it."""

import asyncio
import logging

from shared import telemetry
from shared.storage import Storage, StorageUnavailable
from shared.training import log_merging, retention, summary_merging
from shared.training.trainee import Trainee

_log = logging.getLogger(__name__)


class Housekeeping:
    """Deletes what nobody needs, merges logs and rolls up summaries, of loops that have committed a run since."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._task: asyncio.Task[None] | None = None

    def start(self, trainees: list[Trainee]) -> None:
        """Begins with these loops, unless it is busy with others; then they have their turn after a later tick."""
        due = [trainee for trainee in trainees if trainee.untidy and retention.is_due(trainee.home)]
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
                await self._tidy(trainee)
            except Exception as error:
                cause = None if isinstance(error, StorageUnavailable) else error
                telemetry.error(_log, f"Its storage was not tidied: {error}", trainee.loop, cause)

    async def _tidy(self, trainee: Trainee) -> None:
        states, trainee.untidy = trainee.untidy, ()
        await retention.sweep(self._storage, trainee.home, trainee.config.retention_days, *states)
        await summary_merging.sweep(self._storage, trainee.home, trainee.config.retention_days)
        if trainee.merge is None:
            trainee.merge = await log_merging.prepare(self._storage, trainee.home)
