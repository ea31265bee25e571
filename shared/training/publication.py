"""What a run stores: its log and their index, its model, the memory of its join, and the checkpoint that commits them.

See `checkpoint` for why it is safe. The plan is stored when the run turns out to have something to store, and before
anything else of it is: a run that finds nothing leaves no trace but in memory.
"""

import asyncio
import logging
import time
from pathlib import Path

import msgspec

from shared import otel, telemetry
from shared.errors import shown
from shared.hubs import events
from shared.joined_log import damaged_logs, event_index, outlook
from shared.joined_log.join import Joiner
from shared.joined_log.log_file import log_name
from shared.loops import artifacts, commits, summary, summary_names
from shared.loops.apprentice import Apprentice
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import blob_name
from shared.loops.calibration import Calibration
from shared.loops.checkpoint import Checkpoint, Plan, WindowPart
from shared.loops.commits import Stored
from shared.loops.model_records import ModelRecord, Past
from shared.storage import Storage
from shared.training import memory, progress, retention
from shared.training.lessons import Lessons
from shared.training.new_model import Learned, NewModel
from shared.training.run_files import Batch
from shared.training.trainee import Trainee
from shared.vw.learning import TrainingRefused

_log = logging.getLogger(__name__)


class Publication:
    """Stores what a run has come to, once it has settled.

    before: the checkpoint that the run began with. folder: the run's own, for its files.
    """

    def __init__(
        self, storage: Storage, trainee: Trainee, before: Checkpoint, plan: Plan, folder: Path, batch: Batch
    ) -> None:
        self._storage, self._trainee, self._loop, self._home = storage, trainee, trainee.loop, trainee.home
        self._before, self._plan, self._folder, self._batch = before, plan, folder, batch

    async def store(self, after: Checkpoint, joiner: Joiner, model: NewModel) -> Checkpoint:
        """Commits the run, or raises Conflict; the checkpoint as it is stored. after: that of the join alone."""
        plan, stored = self._plan, Stored(self._before, self._trainee.etag)
        if self._before.plan is None:
            planned = msgspec.structs.replace(self._before, plan=plan)
            stored = await commits.save(self._storage, self._home, stored, planned)
        await commits.copy(self._storage, self._home, stored.checkpoint, plan.run)
        publishing = asyncio.create_task(self._publish(after, model))
        try:
            _, _, windows = await asyncio.gather(self._keep(), self._summarise(), self._remember(joiner))
            published = await publishing
        finally:
            publishing.cancel()
            await asyncio.wait([publishing])
        now = int(time.time() * 1000)
        changed = msgspec.structs.replace(
            published,
            seen=None,
            windows=windows,
            apprentice=self._apprenticeship(),
            committed=now,
            summarised=retention.summarised(self._before, plan.config.retention_days, now),
            plan=None,
            damaged=damaged_logs.merged(self._home, self._before.damaged),
        )
        merge, self._trainee.merge = self._trainee.merge, None
        if merge is not None and merge.merges == self._before.merges + 1:
            changed = msgspec.structs.replace(changed, merges=merge.merges, merged=merge.merged)
        self._trainee.keep(await commits.commit(self._storage, self._home, stored, changed, plan.run))
        self._trainee.untidy, self._trainee.unmerged = (self._before, changed), self._trainee.unmerged + 1
        damaged_logs.forget(self._home)
        self._tell(changed)
        return changed

    async def _publish(self, after: Checkpoint, model: NewModel) -> Checkpoint:
        """With what was learned, or with the reason why the new model was refused."""
        after = msgspec.structs.replace(after, counts=after.counts.plus(self._batch.counts))
        try:
            learned = await model.finish(self._batch.lines)
        except TrainingRefused as refusal:
            run = self._plan.run
            telemetry.error(_log, f"The model of run {run} was refused: {refusal}", self._loop)
            await self._storage.put(log_name(self._home, self._plan.cut, "refusal"), str(refusal).encode())
            failure = f"{run}: {refusal}"
            return progress.refused(after, self._plan, self._batch.counts, model.passed_over(), failure)
        if learned is None:
            return after
        if learned.course.draft is not None and learned.at is not None:
            state, past = await self._upload_draft(learned)
            return progress.drafted(after, self._plan, self._batch.counts, learned, state, past)
        expected = learned.lessons.expected if learned.lessons is not None else []
        if expected:
            calibration = (after.calibration or Calibration()).plus(expected)
            after = msgspec.structs.replace(after, calibration=calibration)
        record, now = await self._upload(learned), round(time.time() * 1000)
        return progress.learned(after, self._plan, self._batch.counts, learned, record, now)

    async def _upload(self, learned: Learned) -> ModelRecord:
        config, version = self._plan.config, self._before.model_version(self._plan.run)
        models = blob_name(self._home, "models", version)
        created = events.now()
        assert learned.trainer is not None
        assert learned.predict is not None
        assert learned.lessons is not None
        published = await asyncio.gather(
            artifacts.publish(self._storage, f"{models}.vw", learned.trainer),
            artifacts.publish(self._storage, f"{models}.predict.vw", learned.predict),
        )
        self._trainee.kept.keep(self._home, published[0], learned.trainer)
        return ModelRecord(
            version,
            *published,
            created,
            config.arguments,
            outlook.settings_of(config),
            learned.course.since,
            progress.known(learned),
            await self._publish_past(learned.lessons, models),
        )

    async def _upload_draft(self, learned: Learned) -> tuple[Artifact, Past | None]:
        name = blob_name(self._home, "drafts", self._before.model_version(self._plan.run))
        assert learned.trainer is not None
        assert learned.lessons is not None
        state = await artifacts.publish(self._storage, f"{name}.vw", learned.trainer)
        self._trainee.kept.keep(self._home, state, learned.trainer)
        return state, await self._publish_past(learned.lessons, name)

    async def _publish_past(self, lessons: Lessons, name: str) -> Past | None:
        past = await lessons.publish(self._storage, name)
        if past is not None and past.actions is not None and lessons.actions.exists():
            self._trainee.kept.keep(self._home, past.actions, lessons.actions)
        return past

    async def _keep(self) -> None:
        """Publishes the joined log of the run, the log of what could not be joined, and their index."""
        cut, batch = self._plan.cut, self._batch
        if batch.lines is not None:
            await self._storage.create(log_name(self._home, cut, "joined"), batch.lines)
        if batch.late is not None:
            await self._storage.create(log_name(self._home, cut, "late"), batch.late)
        await event_index.publish(self._storage, self._home, cut, *batch.entries, self._folder)

    async def _summarise(self) -> None:
        """Publishes the summary of the run."""
        made = self._batch.summary
        if made.hours:
            encoded = await asyncio.to_thread(summary.encode, made)
            await self._storage.create(summary_names.of_run(self._home, self._plan.cut), encoded)

    async def _remember(self, joiner: Joiner) -> list[WindowPart]:
        """Publishes what the join has to remember of the run."""
        added, folder = self._batch.windows, self._folder
        return await memory.publish(self._storage, self._home, self._before, self._plan, joiner.windows, added, folder)

    def _apprenticeship(self) -> Apprentice | None:
        before, lessons = self._before.apprentice, self._batch.lessons
        return (before or Apprentice()).plus(lessons) if lessons else before

    def _tell(self, after: Checkpoint) -> None:
        counts = after.counts.minus(self._before.counts)
        telemetry.tell(_log, "joined", self._loop, **counts.fates)
        meters = otel.current()
        if meters is not None:
            meters.joined(self._loop, counts.ranks, counts.observations)
        if self._batch.orphaned:
            names = ", ".join(f"'{shown(one)}'" for one in self._batch.orphaned)
            text = f"Rewards and activations of events that were never ranked: {counts.orphans}, such as of {names}"
            telemetry.notice(_log, f"{text}; send the eventId that Rank was sent or answered.", self._loop)
        model, previous = after.model, self._before.model
        if model is not None and model != previous:
            age = model.born - previous.born if previous is not None else 0.0
            telemetry.tell(_log, "published", self._loop, model_version=model.version, model_age_seconds=round(age, 3))
            self._tell_fall(model, previous)

    def _tell_fall(self, model: ModelRecord, previous: ModelRecord | None) -> None:
        """Of rewards that have fallen, so that the model explores anew."""
        fall = model.fall
        if fall is not None and (previous is None or fall != previous.fall):
            mean, usual = round(fall.mean, 6), round(fall.before, 6)
            telemetry.tell(_log, "fell", self._loop, model_version=model.version, mean_reward=mean, usual_reward=usual)
