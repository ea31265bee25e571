"""The model that a run makes: learned while the run joins, if one of the few learners is free, else from files.

A run learns no more than its budget, and what is left waits in the log for the next one. So a loop whose events are
dear, or that learns its whole log anew, takes its turns beside the others.
"""

import asyncio
import gzip
import io
import logging
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import NamedTuple

from shared import telemetry
from shared.joined_log import damaged_logs, log_reading
from shared.joined_log.joined_lines import Joined, relabelled
from shared.loops import artifacts
from shared.loops.blob_names import Home, loop_of
from shared.loops.checkpoint import Checkpoint, Plan
from shared.loops.model_records import Place
from shared.storage import Storage
from shared.training import course
from shared.training.course import Course
from shared.training.kept_files import KeptFiles
from shared.training.lessons import Lessons
from shared.vw.budget import BUDGET, Budget
from shared.vw.cost import cost_of
from shared.vw.learners import Learners

CHUNK_BYTES = 1 << 20
# Longer than this (s) the other loops of a pass do not wait for the learner of one of them.
PATIENCE_SECONDS = 0.2

# What a run may spend; tests make it small.
UNITS = BUDGET

_log = logging.getLogger(__name__)


class Learned(NamedTuple):
    """What a run's learner has come to.

    course: what was to be learned. trainer, predict: the files of the model, None if the learner refused. spent: what
    was learned. at: the first line of the log that is not learned, None if all are. lessons: those of the model.
    """

    course: Course
    trainer: Path | None
    predict: Path | None
    spent: Budget
    at: Place | None
    lessons: Lessons | None = None


class NewModel:
    """The learner of a run, from its start to its files.

    learners: how many may learn at once. A run that comes too late for its learner to be fed on the way learns from
    its file, and so does one that has to learn the log first. kept: files of earlier runs. alone: no other run
    waits for this one.
    """

    def __init__(
        self, storage: Storage, home: Home, before: Checkpoint, plan: Plan, folder: Path, learners: Learners,
        kept: KeptFiles, *, alone: bool = True,
    ) -> None:  # fmt: skip
        self._storage, self._home, self._before, self._plan, self._folder = storage, home, before, plan, folder
        self.is_due = before.backlog is not None or before.draft is not None or course.must_relearn(before, plan.config)
        self._learns_from_file = self.is_due
        self._learners, self._kept, self._alone = learners, kept, alone
        self._lessons: Lessons | None = None
        self._course: Course
        self._budget: Budget
        self._fed = 0  # of the run's own lines
        self._steps, self._held = 0, b""  # all of them, if the learner was not fed and there was one step
        self._at: Place | None = None

    @property
    def is_learning(self) -> bool:
        """True if it holds one of the learners."""
        return self._lessons is not None

    async def begin(self) -> None:
        """Takes a learner unless it has one; if none is free, the run will learn from its file."""
        if self._lessons is not None or self._learns_from_file:
            return
        if self._learners.locked():
            self._learns_from_file = True
        else:
            await self._start()

    async def feed(self, joined: Sequence[Joined]) -> None:
        """Learns what was joined if it has begun, unless that would keep the other runs waiting."""
        self._steps += 1
        if self._lessons is None or self._learns_from_file:
            self._held = b"".join([one.line for one in joined]) if self._steps == 1 else b""
            return
        if not await self._lessons.is_ready(None if self._alone else PATIENCE_SECONDS):
            self._learns_from_file = True
            return
        fed, count = self._budget.take_events(joined)
        self._fed += count
        await self._lessons.feed(fed)
        if count < len(joined):
            self._learns_from_file = True  # and finds its budget used up

    async def finish(self, log: Path | bytes | None) -> Learned | None:
        """What was learned, None if there was nothing to learn; raises TrainingRefused.

        log: the run's joined lines, gzipped, in memory or in a file; None if nothing was joined.
        """
        if self._lessons is None and self._learns_from_file:
            await self._start()
        if self._lessons is None:
            return None
        await self._learn_log()
        if self._at is None and self._learns_from_file and log is not None:
            await self._learn_own(log)
        lessons = self._lessons
        learner = await lessons.finish()
        await self.release()
        return Learned(self._course, learner.model, learner.predict, self._budget, self._at, lessons)

    def passed_over(self) -> Learned:
        """What a run has come to whose learner refused what it was fed."""
        return Learned(self._course, None, None, self._budget, self._at)

    async def release(self) -> None:
        """Ends the learner and lets another run have one."""
        self._held = b""
        if self._lessons is not None:
            lessons, self._lessons = self._lessons, None
            try:
                await lessons.kill()
            finally:
                self._learners.release()

    async def _learn_log(self) -> None:
        """Learns what the log holds before this run, as far as the budget goes."""
        if self._course.at is None:
            return
        is_draft = self._course.draft is not None
        through = log_reading.onwards(self._storage, self._home, self._course.at, self._before.cut, imported=is_draft)
        async for place, lines in through:
            known = lines
            if is_draft:
                is_imported = log_reading.is_imported(place.file)
                known = await asyncio.to_thread(relabelled, lines, self._plan.config, imported=is_imported)
            if not await self._take(known, place):
                return

    async def _learn_own(self, log: Path | bytes) -> None:
        """Learns the run's own events from its log, behind those that it was fed on the way."""
        file, line = log_reading.file_name(self._plan.run), 0
        async for lines in _chunks(log, self._held):
            count = lines.count(b"\n")
            rest = log_reading.without(lines, self._fed - line)
            line += count
            if rest and not await self._take(rest, Place(file, line - rest.count(b"\n"))):
                return

    async def _take(self, lines: bytes, place: Place) -> bool:
        """Feeds lines of the log, the first of which is at `place`; False once some of them have to wait."""
        assert self._lessons is not None
        fed, count = await asyncio.to_thread(self._budget.take, lines)
        await self._lessons.feed(fed)
        if count < lines.count(b"\n"):
            self._at = Place(place.file, place.line + count)
            return False
        return True

    async def _start(self) -> None:
        await self._learners.acquire()
        try:
            self._course = await course.chosen(self._storage, self._home, self._before, self._plan)
            self._learns_from_file |= self._course.at is not None
            if self._course.draft is not None and self._course.draft.state is None:
                damaged_logs.begin(self._home, self._course.since)
            self._budget = Budget(cost_of(self._course.arguments), UNITS)
            previous = await self._fetch()
            self._lessons = await Lessons.begin(
                self._storage, self._home, self._learners, self._kept, self._course, previous, self._folder
            )
        except BaseException:
            self._learners.release()
            raise

    async def _fetch(self) -> Path | None:
        """The state to go on from. If it is damaged, the log is learned again."""
        if self._course.state is None:
            return None
        try:
            previous = self._folder / "previous.vw"
            return await self._kept.fetch(self._storage, self._home, self._course.state, previous)
        except artifacts.DamagedArtifact as damage:
            telemetry.error(_log, f"{damage}; learning the log again.", loop_of(self._home))
            self._course, self._learns_from_file = course.again(self._course, self._before, self._plan.config), True
            return None


async def _chunks(log: Path | bytes, held: bytes) -> AsyncGenerator[bytes, None]:
    if held:
        yield held
        return
    with gzip.open(io.BytesIO(log) if isinstance(log, bytes) else log) as file:
        while lines := await asyncio.to_thread(file.readlines, CHUNK_BYTES):
            yield b"".join(lines)
