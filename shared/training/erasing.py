"""The erasures of all loops, beside the ticks of a trainer: one at a time, of a loop that nothing else works on."""

import asyncio
import logging
from collections.abc import Mapping

from shared import telemetry
from shared.loops import erasures
from shared.loops.stored import Damaged, read_checkpoint
from shared.loops.unreadable import LaterVersion
from shared.settings import Settings
from shared.storage import Conflict, Storage, StorageUnavailable
from shared.training.erasure import ErasureWork
from shared.training.trainee import Trainee

_log = logging.getLogger(__name__)


class Erasing:
    """A list of markers at each tick tells whether there is anything to do."""

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._settings, self._storage = settings, storage
        self._task: asyncio.Task[None] | None = None

    async def start(self, trainees: Mapping[str, Trainee]) -> None:
        """Begins with the first erasure of a loop that is idle, unless it is busy with another one."""
        if self._task is not None and not self._task.done():
            return
        by_home = {str(trainee.home): trainee for trainee in trainees.values()}
        for marker in await self._storage.names(erasures.MARKERS):
            home, _, name = marker.removeprefix(erasures.MARKERS).rpartition("/")
            trainee = by_home.get(home)
            if trainee is None:
                await self._storage.delete(marker)  # of a loop that is gone
            elif trainee.is_idle and await self._is_due(trainee, name):
                trainee.is_busy = True
                self._task = asyncio.create_task(self._work(trainee, name, marker))
                return

    async def _is_due(self, trainee: Trainee, name: str) -> bool:
        """False while a model is learned anew, for this erasure or anything else: the loop is trained meanwhile.

        Of a model that knows what the log no longer has, another erasure could not tell what it has learned.
        """
        found = await erasures.read(self._storage, trainee.home, name)
        if found is None or found.erasure.dry or found.erasure.state not in ("waiting", "relearning"):
            return True
        state = (await read_checkpoint(self._storage, trainee.home)).value
        return state is None or state.draft is None

    async def _work(self, trainee: Trainee, name: str, marker: str) -> None:
        try:
            async with trainee.tidying:
                config = await trainee.configured(self._storage)
                work = ErasureWork(self._settings, self._storage, trainee, config, name)
                if not await work.step():
                    await self._storage.delete(marker)
        except (Conflict, StorageUnavailable, Damaged, LaterVersion, OSError) as error:
            telemetry.notice(_log, f"An erasure goes on later: {error}", trainee.loop)
        except Exception as error:
            telemetry.error(_log, f"An erasure was not done: {error}", trainee.loop, error)
        finally:
            trainee.forget()
            trainee.is_busy = False

    async def done(self) -> None:
        """Returns when nothing is being erased."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Breaks off; what is left is done another time."""
        if self._task is not None:
            self._task.cancel()
        await self.done()
