"""The command `rebuild`: a fresh model from the log of a loop, as a file or published beside a running trainer.

Published like a run of the trainer: files under names of their own, then one conditional write of the checkpoint. A
planned run learns from the model that was current when it was planned, under names that it will find again; so the
write waits until no run is planned, and what was closed meanwhile is learned first.
"""

import argparse
import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from migration import estimate as estimates
from migration.progress import Progress
from migration.target import Loop, blobs
from shared import scratch
from shared.admin import policy_check
from shared.errors import ApiError
from shared.hubs import events
from shared.joined_log import damaged_logs, log_reading, outlook
from shared.loops import artifacts, chronicle, commits, erasures
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import blob_name, run_name
from shared.loops.checkpoint import Checkpoint
from shared.loops.chronicle import Entry
from shared.loops.commits import Stored
from shared.loops.config import LoopConfig, Policy
from shared.loops.model_records import ModelRecord, Past
from shared.loops.stored import config_name
from shared.storage import Conflict
from shared.training.course import Course
from shared.training.lessons import Lessons
from shared.vw import dsjson, policy
from shared.vw.experience import Experience, Pupil
from shared.vw.known_actions import KnownActions
from shared.vw.learners import Learners
from shared.vw.learning import TrainingRefused
from shared.vw.zygote import Zygote

ATTEMPTS, PLANNED_SECONDS, POLL_SECONDS = 5, 120.0, 0.05


class RebuildError(Exception):
    """No model was made, or it was not published; the text says what to do."""


class _Sums(msgspec.Struct):
    events: int = 0
    learned: int = 0
    reward: float = 0.0

    @property
    def average(self) -> float:
        """What the learned events earned."""
        return self.reward / self.learned if self.learned else 0.0


class _Slot(msgspec.Struct, rename=dsjson.SLOT, gc=False):
    cost: float


class _Label(msgspec.Struct, rename=dsjson.LINE, gc=False):
    cost: float = 0.0
    skip: bool = False
    slots: list[_Slot] = []


_label = msgspec.json.Decoder(_Label).decode


async def run(given: argparse.Namespace) -> int:
    """Trains, then writes or publishes; raises RebuildError."""
    async with blobs(given.data, given.loop) as loop, Zygote() as zygote:
        config, _ = await loop.config()
        chosen = await _with_policy(config, given.policy)
        print(f"loop {loop.name}, policy: {chosen.arguments}")
        with scratch.folder() as folder:
            model = _Rebuilt(loop, chosen, Path(folder), zygote)
            await model.learn_log()
            await model.check_erasures()
            doubt = await model.doubt()
            if given.output:
                if doubt:
                    print(doubt)
                _copy(model.learner.model, given.output)
                print(f"written: {given.output}")
                return 0
            if doubt and not given.force:
                raise RebuildError(f"{doubt} Nothing was replaced: try another --policy, or publish it with --force.")
            if doubt:
                print(doubt)
            if given.policy:
                await _put_policy(loop, chosen)
            print(f"published: version {await model.publish()}")
            return 0


class _Rebuilt:
    """A model on its way from the log to the checkpoint."""

    def __init__(self, loop: Loop, config: LoopConfig, folder: Path, zygote: Zygote) -> None:
        self._loop, self._config, self._folder, self._learners = loop, config, folder, Learners(1, zygote)
        self._cut, self._sums = 0, _Sums()
        self._course = Course(config.arguments, None, None, 0, 0)
        self._erased: Artifact | None = None

    async def learn_log(self) -> None:
        """Learns everything up to the checkpoint's cut."""
        storage, home = self._loop.storage, self._loop.home
        before = (await commits.load(storage, home)).checkpoint
        self._cut, self._erased = before.cut, before.erased
        await self.check_erasures()
        progress = Progress()
        while True:
            runs = log_reading.labelled(storage, home, self._config, self._cut)
            pupil = self._pupil()
            self._judged = estimates.Judged() if self._config.policy.parsed.unweighted else None
            predictions = self._folder / estimates.PREDICTIONS if self._judged is not None else None
            lessons = Lessons(self._learners, self._course, None, self._folder, pupil, predictions)
            await self._learn(lessons, runs, progress)
            past = self._lessons.past
            if past is None or past.schema.includes(past.experience.schema):
                break
            # Its events have namespaces that the first ones lacked: once more, with all of them.
            await self.learner.kill()
            self._course, self._sums = self._course._replace(past=Past(past.experience.schema, Experience())), _Sums()
        for name, damage in damaged_logs.met(home).items():
            print(f"skipped from its damage on: {name} ({damage})")
        if not self._sums.events:
            await self.learner.kill()
            raise RebuildError(f"The log of loop {self._loop.name} is empty: import one, or wait for the first events.")
        await self._finish()
        progress.end(self._told())

    async def check_erasures(self, state: Checkpoint | None = None) -> None:
        """Raises RebuildError if the log had, or may still have, events that are to be forgotten. state: the newest."""
        storage, home = self._loop.storage, self._loop.home
        state = state or (await commits.load(storage, home)).checkpoint
        if state.erased != self._erased or await erasures.is_any_open(storage, home):
            raise RebuildError("Events of the log are being erased. Nothing was replaced: try again once that is done.")

    async def doubt(self) -> str:
        """Prints the estimate of the model; a sentence if it speaks against the model, else an empty text."""
        if not self._sums.learned:
            return "The model has learned no event of the log."
        judged = self._judged
        estimate, count = await (
            asyncio.to_thread(estimates.progressive, self.learner.model)
            if judged is None
            else asyncio.to_thread(judged.estimate, self._folder / estimates.PREDICTIONS)
        )
        if not count:
            return "What this policy earns cannot be estimated: Vowpal Wabbit has not read every event of the log."
        estimate, earned = round(estimate, 4), round(self._sums.average, 4)
        print(f"progressive estimate of this policy's average reward: {estimate:.4f}")
        if estimate >= earned:
            return ""
        return f"The model is estimated to earn {estimate:.4f} on average, less than the {earned:.4f} of the log."

    async def publish(self) -> str:
        """The version under which the model serves from now on."""
        for _ in range(ATTEMPTS):
            stored = await self._unplanned()
            await self.check_erasures(stored.checkpoint)
            if stored.checkpoint.cut > self._cut:
                await self._catch_up(stored.checkpoint.cut)
            changed, version = await self._published(stored.checkpoint)
            try:
                run = run_name(stored.checkpoint.cut)  # the newest copy by name is what was committed last
                await commits.commit(self._loop.storage, self._loop.home, stored, changed, run)
            except Conflict:
                continue
            return version
        raise RebuildError("The trainer was faster every time; try again.")

    async def _unplanned(self) -> Stored:
        deadline = time.monotonic() + PLANNED_SECONDS
        while True:
            stored = await commits.load(self._loop.storage, self._loop.home)
            if stored.checkpoint.plan is None:
                return stored
            if time.monotonic() > deadline:
                raise RebuildError(
                    f"A training run is planned and not done within {PLANNED_SECONDS:g} s; is the function app running?"
                )
            await asyncio.sleep(POLL_SECONDS)

    async def _catch_up(self, cut: int) -> None:
        """Goes on with what the trainer has closed since."""
        self._judged = None
        previous = self._folder / "previous.vw"
        shutil.move(self.learner.model, previous)
        progress = Progress()
        storage, home = self._loop.storage, self._loop.home
        runs = log_reading.labelled(storage, home, self._config, cut, since=self._cut + 1, imported=False)
        past, pupil = self._lessons.past, self._lessons.pupil
        lessons = Lessons(self._learners, self._course._replace(past=past), previous, self._folder, pupil)
        await self._learn(lessons, runs, progress)
        self._cut = cut
        await self._finish()
        progress.end(self._told())

    def _pupil(self) -> Pupil | None:
        given = self._config.policy.parsed
        return Pupil(given, Experience(), KnownActions()) if given.has_experience else None

    async def _learn(self, lessons: Lessons, runs: AsyncIterator[bytes], progress: Progress) -> None:
        self._lessons = lessons
        try:
            async for lines in runs:
                self._count(lines)
                await lessons.feed(lines)
                progress.update(f"{self._sums.events:,} events so far, {self._sums.learned:,} of them to be learned")
            self.learner = await lessons.started()
        except BaseException:
            await lessons.kill()
            raise

    async def _finish(self) -> None:
        try:
            await self.learner.finish()
        except TrainingRefused as refusal:
            raise RebuildError(f"VW does not make a model of this log and policy: {refusal}") from None
        finally:
            await self.learner.kill()

    def _count(self, lines: bytes) -> None:
        for line in lines.splitlines():
            label = _label(line)
            self._sums.events += 1
            if not label.skip:
                self._sums.learned += 1
                if self._judged is not None and not label.slots:
                    self._judged.add(line)
                self._sums.reward -= sum(slot.cost for slot in label.slots) if label.slots else label.cost

    def _told(self) -> str:
        sums = self._sums
        return f"{sums.learned:,} of {sums.events:,} events learned; they earned {sums.average:.4f} on average"

    async def _published(self, before: Checkpoint) -> tuple[Checkpoint, str]:
        """The checkpoint with this model. Its name sorts behind that of the last run and before that of the next."""
        created = events.now()
        version = f"{run_name(before.cut)}_{run_name(round(time.time() * 1000))}"
        names = blob_name(self._loop.home, "models", version)
        trainer, predict = await asyncio.gather(
            artifacts.publish(self._loop.storage, f"{names}.vw", self.learner.model),
            artifacts.publish(self._loop.storage, f"{names}.predict.vw", self.learner.predict),
        )
        rewards = outlook.settings_of(self._config)
        learned = self._sums.learned
        past = await self._lessons.publish(self._loop.storage, names)
        record = ModelRecord(
            version, trainer, predict, created, self._config.arguments, rewards, learned=learned, past=past
        )
        first = before.first_model or created
        changed = msgspec.structs.replace(
            before.replacing_model(round(time.time() * 1000)),
            model=record,
            first_model=first,
            failure=None,
            unverified=False,
            backlog=None,
            draft=None,
            damaged=damaged_logs.merged(self._loop.home, before.damaged),
        )
        return changed, version


async def _with_policy(config: LoopConfig, given: str | None) -> LoopConfig:
    """The configuration with a policy, named or as arguments; what the service would refuse is a RebuildError."""
    if given is None:
        return config
    named = {str(name): arguments for name, arguments in policy.NAMED.items()}
    own = Policy(given, named[given]) if given in named else Policy("rebuilt", given)
    try:
        changed = config.with_policy(await policy_check.checked(own, config.exploration))
    except ApiError as error:
        raise RebuildError(f"{error.message} Write VW's arguments, or one of {', '.join(named)}.") from None
    return msgspec.structs.replace(changed, edited=events.now())


async def _put_policy(loop: Loop, chosen: LoopConfig) -> None:
    """Puts the policy into effect first: a model of another one would be replaced by the trainer's next run."""
    for _ in range(ATTEMPTS):
        config, etag = await loop.config()
        changed = msgspec.structs.replace(config.with_policy(chosen.policy), edited=chosen.edited)
        try:
            await loop.storage.replace(config_name(loop.home), changed.encoded(), etag)
        except Conflict:
            continue
        if changed.replaced is not None and changed.replaced != config.replaced:
            await chronicle.note(loop.storage, loop.home, Entry(changed.replaced.at, "policy", [changed.policy.name]))
        return
    raise RebuildError("Others are changing the configuration; try again.")


def _copy(model: Path, output: Path) -> None:
    try:
        shutil.copyfile(model, output)
    except OSError as error:
        raise RebuildError(f"{output} cannot be written: {error.strerror}") from None
