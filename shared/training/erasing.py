"""The erasures of all loops, beside the ticks of a trainer, each of a loop that nothing else works on."""

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

# Loops of which events are erased at once: a long log lets the others by.
AT_ONCE = 2

_log = logging.getLogger(__name__)


class Erasing:
    """A list of markers tells whether there is anything to do. Whose turn was longest ago goes first."""

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._settings, self._storage = settings, storage
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns, self._turn = dict[str, int](), 0
        self._gone: set[str] = set()

    async def start(self, trainees: Mapping[str, Trainee]) -> None:
        """Begins with erasures of loops that are idle, one of each loop and a few at once."""
        self._tasks = {task for task in self._tasks if not task.done()}
        if len(self._tasks) >= AT_ONCE:
            return
        by_home = {str(trainee.home): trainee for trainee in trainees.values()}
        markers = await self._storage.names(erasures.MARKERS)
        self._turns = {marker: turn for marker, turn in self._turns.items() if marker in set(markers)}
        gone = set[str]()
        for marker in sorted(markers, key=lambda marker: self._turns.get(marker, 0)):
            home, _, name = marker.removeprefix(erasures.MARKERS).rpartition("/")
            trainee = by_home.get(home)
            if trainee is None:
                gone.add(marker)
            elif len(self._tasks) < AT_ONCE and trainee.is_idle and await self._is_due(trainee, name):
                self._turn += 1
                self._turns[marker] = self._turn
                trainee.is_busy = True
                self._tasks.add(asyncio.create_task(self._work(trainee, name, marker)))
        # Of a loop that is gone, and not of one that was made since the loops were listed.
        await self._storage.delete_all(gone & self._gone)
        self._gone = gone

    async def _is_due(self, trainee: Trainee, name: str) -> bool:
        """False while a model is learned anew, for this erasure or anything else: the loop is trained meanwhile.

        Of a model that knows what the log no longer has, another erasure could not tell what it has learned.
        """
        try:
            found = await erasures.read(self._storage, trainee.home, name)
            if found is None or found.erasure.dry or found.erasure.state not in ("waiting", "relearning"):
                return True
            state = (await read_checkpoint(self._storage, trainee.home)).value
            return state is None or state.draft is None
        except (Damaged, LaterVersion) as error:
            telemetry.notice(_log, f"An erasure goes on later: {error}", trainee.loop)
            return False

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
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Breaks off; what is left is done another time."""
        for task in self._tasks:
            task.cancel()
        await self.done()
