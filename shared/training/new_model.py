"""The model that a run makes: learned while the run joins, if one of the few learners is free, else from its file."""

import asyncio
import gzip
from pathlib import Path
from typing import NamedTuple

from shared.loops.blob_names import Home
from shared.loops.checkpoint import Checkpoint, Plan
from shared.storage import Storage
from shared.training import starting_model
from shared.vw.learner import Learner

CHUNK_BYTES = 1 << 20


class Files(NamedTuple):
    """The trainer's state of a new model and the copy that serves.

    goes_on: it continues a previous model and stays unverified if that was. since: it knows the runs of the log whose
    cut is not before (ms), 0 for all.
    """

    trainer: Path
    predict: Path
    goes_on: bool
    since: int


class NewModel:
    """The learner of a run, from its start to its files.

    learners: how many may learn at once. A run that comes too late for its learner to be fed on the way learns from
    its file. So does one that learns the log again, for the others of the pass need not wait for that.
    is_due: the model is to be learned even if nothing was joined.
    """

    def __init__(
        self, storage: Storage, home: Home, before: Checkpoint, plan: Plan, folder: Path, learners: asyncio.Semaphore
    ) -> None:
        self._storage, self._home, self._before, self._plan, self._folder = storage, home, before, plan, folder
        self.is_due = before.failure is None and starting_model.is_outdated(before.model, plan.config)
        self._learns_from_file = self.is_due
        self._learners = learners
        self._learner: Learner | None = None
        self._since = 0

    @property
    def is_learning(self) -> bool:
        """True if it holds one of the learners."""
        return self._learner is not None

    async def begin(self) -> None:
        """Takes a learner unless it has one; if none is free, the run will learn from its file."""
        if self._learner is not None or self._learns_from_file:
            return
        if self._learners.locked():
            self._learns_from_file = True
        else:
            self._learner = await self._start()

    async def feed(self, lines: bytes) -> None:
        """Learns joined lines if it has begun."""
        if self._learner is not None:
            await self._learner.feed(lines)

    async def finish(self, log: Path | None) -> Files | None:
        """The files of the model, None if there was nothing to learn; raises TrainingRefused.

        log: the run's file of joined lines, None if nothing was joined.
        """
        if self._learner is None and self._learns_from_file:
            self._learner = await self._start()
            if log is not None:
                await _feed(self._learner, log)
        if self._learner is None:
            return None
        await self._learner.finish()
        files = Files(self._learner.model, self._learner.predict, self._learner.goes_on, self._since)
        await self.release()
        return files

    async def release(self) -> None:
        """Ends the learner and lets another run have one."""
        if self._learner is not None:
            learner, self._learner = self._learner, None
            try:
                await learner.kill()
            finally:
                self._learners.release()

    async def _start(self) -> Learner:
        await self._learners.acquire()
        try:
            learner, self._since = await starting_model.start(
                self._storage, self._home, self._before, self._plan, self._folder
            )
        except BaseException:
            self._learners.release()
            raise
        return learner


async def _feed(learner: Learner, log: Path) -> None:
    with gzip.open(log) as file:
        while lines := await asyncio.to_thread(file.readlines, CHUNK_BYTES):
            await learner.feed(b"".join(lines))
