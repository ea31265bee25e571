"""The lessons of a model: its learner, and what it goes through on the way, if its policy asks for that."""

import asyncio
import logging
from pathlib import Path
from typing import Self

import msgspec

from shared import telemetry
from shared.loops import artifacts
from shared.loops.blob_names import Home, loop_of
from shared.loops.model_records import Past
from shared.storage import Storage
from shared.training.course import Course
from shared.training.kept_files import KeptFiles
from shared.vw import calibrating, policy
from shared.vw.calibrating import Expected
from shared.vw.experience import Experience, Pupil
from shared.vw.known_actions import KnownActions
from shared.vw.learner import Learner
from shared.vw.learners import Learners
from shared.vw.schema import Schema

_log = logging.getLogger(__name__)


class Lessons:
    """learners: one of which has its place. pupil: None for a policy of VW's options alone.

    A new model that crosses what its events have gets its learner with the first of them. schema: the crossings that
    the learner has. predictions: where the learner writes what it would have served of each event.
    """

    def __init__(
        self, learners: Learners, course: Course, previous: Path | None, folder: Path, pupil: Pupil | None,
        predictions: Path | None = None,
    ) -> None:  # fmt: skip
        self._learners, self._course, self._previous, self._folder = learners, course, previous, folder
        self._predictions = predictions
        self.pupil = pupil
        self.schema = course.past.schema if course.past is not None else Schema()
        self.learner: Learner | None = None

    @classmethod
    async def begin(
        cls, storage: Storage, home: Home, learners: Learners, kept: KeptFiles, course: Course, previous: Path | None,
        folder: Path,
    ) -> Self:  # fmt: skip
        """Ready to be fed."""
        begun = cls(learners, course, previous, folder, await _pupil(storage, home, kept, course, folder))
        if begun.pupil is None or course.past is not None:
            await begun.started()
        return begun

    @property
    def actions(self) -> Path:
        """The file of the actions that the model knows, if it was needed."""
        return _file(self._folder)

    @property
    def past(self) -> Past | None:
        """What the model has been through, with the actions that were stored before."""
        if self.pupil is None:
            return None
        before = self._course.past.actions if self._course.past is not None else None
        return Past(self.schema, self.pupil.experience, before)

    async def publish(self, storage: Storage, name: str) -> Past | None:
        """Stores what the model has been through; name: of its blob, but for the ending."""
        past = self.past
        if past is None or self.pupil is None or not self.pupil.has_changed_actions:
            return past
        await asyncio.to_thread(self.pupil.actions.write, self.actions)
        return msgspec.structs.replace(past, actions=await artifacts.publish(storage, f"{name}.actions", self.actions))

    async def is_ready(self, patience: float | None) -> bool:
        """`Learner.is_ready`."""
        return self.learner is None or await self.learner.is_ready(patience)

    async def feed(self, lines: bytes) -> None:
        """`Learner.feed`."""
        if self.pupil is not None:
            lines = await asyncio.to_thread(self.pupil.take, lines)
        await (await self.started()).feed(lines)

    @property
    def expected(self) -> list[Expected]:
        """What the model before expected of some of the events, once it has finished."""
        return calibrating.read(self.learner.expected) if self.learner is not None else []

    async def finish(self) -> Learner:
        """`Learner.finish`; the learner, with its files."""
        learner = await self.started()
        await learner.finish()
        return learner

    async def kill(self) -> None:
        """Ends the learner."""
        if self.learner is not None:
            await self.learner.kill()

    async def started(self) -> Learner:
        """The learner, which begins now unless it has begun."""
        if self.learner is None:
            if self.pupil is not None and self._course.past is None:
                self.schema = self.pupil.experience.schema
            arguments = policy.parse(self._course.arguments).for_vw(self.schema.arguments)
            self.learner = await self._learners.start(
                arguments, self._previous, self._folder, self._predictions, judges=self._judges
            )
        return self.learner

    @property
    def _judges(self) -> bool:
        """Whether it goes on learning as ever, from enough events to expect something of the next ones."""
        goes_on = self._course.state is not None and self._course.at is None and self._course.draft is None
        knows = self._course.learned is None or self._course.learned >= calibrating.LEAST_LEARNED
        return goes_on and knows and calibrating.can_judge(policy.parse(self._course.arguments))


async def _pupil(storage: Storage, home: Home, kept: KeptFiles, course: Course, folder: Path) -> Pupil | None:
    given, past = policy.parse(course.arguments), course.past
    if not given.has_experience:
        return None
    actions = KnownActions()
    if past is not None and past.actions is not None:
        try:
            file = await kept.fetch(storage, home, past.actions, _file(folder))
            actions = await asyncio.to_thread(KnownActions.read, file)
        except artifacts.DamagedArtifact as damage:
            telemetry.error(_log, f"{damage}; all actions are new for a while.", loop_of(home))
    return Pupil(given, past.experience.copy() if past is not None else Experience(), actions)


def _file(folder: Path) -> Path:
    return folder / "actions"
