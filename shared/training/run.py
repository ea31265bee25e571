"""One training run of one loop: joins what has closed, learns it, publishes the model, commits.

See `checkpoint` for why it is safe. The plan is stored when the run turns out to have something to store, and before
anything else of it is: a run that finds nothing leaves no trace but in memory.
"""

import asyncio
import gzip
import logging
import time
from pathlib import Path

import msgspec

from shared import otel, telemetry
from shared.hubs import events
from shared.hubs.reader import Message
from shared.joined_log import archive, event_index
from shared.joined_log.file import log_name
from shared.joined_log.join import Joiner, load_seen
from shared.loops import artifacts, commits
from shared.loops.apprentice import Apprentice
from shared.loops.checkpoint import Checkpoint, Counts, ModelRecord, Plan
from shared.loops.commits import Stored
from shared.loops.config import DEFAULT_LOOP
from shared.loops.homes import blob_name
from shared.storage import Storage
from shared.training import retention, starting_model
from shared.training.batch import Batch
from shared.training.trainee import Trainee
from shared.vw.learner import Learner, TrainingRefused

# A loop in which nothing happens is committed after so much time or so many messages of others, for a trainer that
# starts anew begins at its last commit.
LONGEST_SILENCE_MS, LONGEST_SILENCE = 3_600_000, 10_000
CHUNK_BYTES = 1 << 20

_log = logging.getLogger(__name__)


class Run:
    """A loop's part in a pass over the hubs, in this order: `begin`, `observe`, `close_interaction` and `flush`, `end`.

    folder: its own, for its files. learners: how many may learn at once; a run that comes too late for its learner to
    be fed on the way learns from its file.
    """

    def __init__(
        self, storage: Storage, trainee: Trainee, before: Checkpoint, plan: Plan, folder: Path,
        learners: asyncio.Semaphore,
    ) -> None:  # fmt: skip
        self.trainee, self.loop, self.before, self.plan = trainee, trainee.loop, before, plan
        self._home = trainee.home
        self.observed = before.observations if trainee.joiner is None else before.observed
        self._storage, self._folder, self._learners = storage, folder, learners
        self._lines: list[bytes] = []
        self._learner: Learner | None = None
        self._since = 0
        self._anew = before.failure is None and starting_model.is_outdated(before.model, plan.config)
        self._behind = self._anew  # the others of the pass need not wait for it
        self._joiner: Joiner
        self._batch: Batch

    async def begin(self) -> None:
        """Takes the trainee's memory, or makes it again from storage."""
        self._folder.mkdir()
        joiner, self.trainee.joiner = self.trainee.joiner, None
        self._joiner = joiner or await self._remember()
        self._batch = Batch(self.plan, self._joiner, self._folder, self.before.statistics)

    def observe(self, message: Message, event: events.Observation, line: bytes) -> None:
        """Takes in an observation, unless an earlier run has done so and remembers it."""
        if message.sequence > self.observed[message.partition]:
            self._batch.observe(message, event, line, recalled=self._has_read(message))

    def close_interaction(self, message: Message, event: events.Interaction, line: bytes) -> bool:
        """Closes an interaction, unless an earlier run has done so; True if there is something to `flush`."""
        if message.sequence <= self.before.interactions[message.partition]:
            return False
        joined = self._batch.close_interaction(event, message.at, line)
        if joined:
            self._lines.append(joined)
        return bool(joined)

    def unreadable_observation(self, message: Message, line: bytes) -> None:
        if not self._has_read(message):
            self._batch.unreadable(message.at, line)

    def unreadable_interaction(self, message: Message, line: bytes) -> None:
        if message.sequence > self.before.interactions[message.partition]:
            self._batch.unreadable(message.at, line)

    @property
    def is_learning(self) -> bool:
        """True if it holds one of the learners."""
        return self._learner is not None

    async def flush(self) -> None:
        """Writes what was joined, and lets it be learned if a learner is free."""
        lines = b"".join(self._lines)
        self._lines.clear()
        if self._learner is None and not self._behind and self._batch.counts.learned:
            if self._learners.locked():
                self._behind = True
            else:
                self._learner = await self._start()
        keep = self._batch.keep(lines)
        await (asyncio.gather(self._learner.feed(lines), keep) if self._learner else keep)

    async def end(self, reached: list[int]) -> None:
        """Commits the run if there is something to commit, and gives the trainee its new state. May raise Conflict.

        reached: the positions of the pass in the interactions hub.
        """
        try:
            await self._end(reached)
        finally:
            await self.release()

    async def _end(self, reached: list[int]) -> None:
        self._batch.settle()
        after = self._after(reached)
        if self.before.plan is not None or self._is_worth(after):
            await self._batch.close()
            after = await self._store(after)
            await event_index.merge(self._storage, self._home)
            current = after.model.version if after.model else None
            await retention.sweep(self._storage, self._home, self.plan.config.retention_days, current)
        self.trainee.checkpoint, self.trainee.joiner = after, self._joiner

    async def close(self) -> None:
        """Ends what still runs."""
        await self.release()
        await self._batch.close()

    def _has_read(self, message: Message) -> bool:
        return message.sequence <= self.before.observed[message.partition]

    async def _remember(self) -> Joiner:
        before = self.before
        if before.seen is None:
            return Joiner(before.cut)
        try:
            file = await artifacts.fetch(self._storage, before.seen, self._folder / "seen.before")
        except artifacts.DamagedArtifact as damage:
            telemetry.error(_log, f"{damage}; reading the log instead.", self.loop)
            wait = round(self.plan.config.wait * 1000)
            return Joiner(before.cut, await archive.recollect(self._storage, self._home, before.cut, wait))
        return Joiner(before.cut, load_seen(gzip.decompress(file.read_bytes())))

    async def _start(self) -> Learner:
        await self._learners.acquire()
        try:
            learner, self._since = await starting_model.start(
                self._storage, self._home, self.before, self.plan, self._folder
            )
        except BaseException:
            self._learners.release()
            raise
        return learner

    async def release(self) -> None:
        """Ends the learner and lets another run have one."""
        if self._learner is not None:
            learner, self._learner = self._learner, None
            try:
                await learner.kill()
            finally:
                self._learners.release()

    def _after(self, reached: list[int]) -> Checkpoint:
        observed, statistics = self.plan.observations, self._batch.statistics
        firsts = [self._joiner.unsettled(partition) for partition in range(len(observed))]
        return msgspec.structs.replace(
            self.before,
            cut=self.plan.cut,
            interactions=[max(pair) for pair in zip(self.before.interactions, reached, strict=True)],
            observations=[head if first is None else first - 1 for first, head in zip(firsts, observed, strict=True)],
            observed=observed,
            statistics=statistics if statistics.is_finite else self.before.statistics,
        )

    def _is_worth(self, after: Checkpoint) -> bool:
        """Whether there is something to store.

        The default loop, which keeps what is unreadable for all of them, always says how far it has read.
        """
        if self._batch.counts != Counts() or self._anew:
            return True
        before = self.before
        if (before.interactions, before.observed) == (after.interactions, after.observed):
            return False
        silence = time.time() * 1000 - before.committed, sum(after.interactions) - self.trainee.written
        return self.loop == DEFAULT_LOOP or silence[0] >= LONGEST_SILENCE_MS or silence[1] >= LONGEST_SILENCE

    async def _store(self, after: Checkpoint) -> Checkpoint:
        plan, stored = self.plan, Stored(self.before, self.trainee.etag)
        if self.before.plan is None:
            stored = await commits.save(
                self._storage, self._home, stored, msgspec.structs.replace(self.before, plan=plan)
            )
        await commits.copy(self._storage, self._home, stored.checkpoint, plan.run)
        seen = self._folder / "seen"
        seen.write_bytes(gzip.compress(self._joiner.dump(), compresslevel=1, mtime=0))
        publishing = asyncio.create_task(self._publish(after))
        try:
            name = blob_name(self._home, "join", f"{plan.run}.seen.gz")
            _, seen_artifact = await asyncio.gather(self._keep(), artifacts.publish(self._storage, name, seen))
            published = await publishing
        finally:
            publishing.cancel()
            await asyncio.wait([publishing])
        changed = msgspec.structs.replace(
            published,
            seen=seen_artifact,
            apprentice=self._apprenticeship(),
            committed=int(time.time() * 1000),
            plan=None,
        )
        self.trainee.keep(await commits.commit(self._storage, self._home, stored, changed, plan.run))
        self._tell(changed)
        return changed

    def _tell(self, after: Checkpoint) -> None:
        counts = after.counts.minus(self.before.counts)
        telemetry.tell(_log, "joined", self.loop, **counts.fates)
        meters = otel.current()
        if meters is not None:
            meters.joined(self.loop, counts.ranks, counts.observations)
        model, previous = after.model, self.before.model
        if model is not None and model != previous:
            age = model.born - previous.born if previous is not None else 0.0
            telemetry.tell(_log, "published", self.loop, model_version=model.version, model_age_seconds=round(age, 3))

    def _apprenticeship(self) -> Apprentice | None:
        before, lessons = self.before.apprentice, self._batch.lessons
        return (before or Apprentice()).plus(lessons) if lessons else before

    async def _publish(self, after: Checkpoint) -> Checkpoint:
        """With the new model, or with the old one and the reason why the new one was refused."""
        counts = self._batch.counts
        if self._learner is None and self._behind:
            self._learner = await self._start()
            await self._learn_file(self._learner)
        if self._learner is None:
            return msgspec.structs.replace(after, counts=after.counts.plus(counts))
        try:
            await self._learner.finish()
        except TrainingRefused as refusal:
            run = self.plan.run
            telemetry.error(_log, f"The model of run {run} was refused: {refusal}", self.loop)
            await self._storage.put(log_name(self._home, self.plan.cut, "refusal"), str(refusal).encode())
            counts = msgspec.structs.replace(counts, learned=0, rewarded=0, rejected=counts.learned)
            return msgspec.structs.replace(after, counts=after.counts.plus(counts), failure=f"{run}: {refusal}")
        model, predict, goes_on = self._learner.model, self._learner.predict, self._learner.goes_on
        await self.release()
        record = await self._upload(model, predict)
        return msgspec.structs.replace(
            after,
            model=record,
            first_model=after.first_model or record.created,
            counts=after.counts.plus(counts),
            failure=None,
            unverified=after.unverified and goes_on,
        )

    async def _learn_file(self, learner: Learner) -> None:
        if self._batch.lines.exists():
            with gzip.open(self._batch.lines) as file:
                while lines := await asyncio.to_thread(file.readlines, CHUNK_BYTES):
                    await learner.feed(b"".join(lines))

    async def _upload(self, model: Path, predict: Path) -> ModelRecord:
        config, version = self.plan.config, self.before.model_version(self.plan.run)
        models = blob_name(self._home, "models", version)
        created = events.now()
        published = await asyncio.gather(
            artifacts.publish(self._storage, f"{models}.vw", model),
            artifacts.publish(self._storage, f"{models}.predict.vw", predict),
        )
        rewards = starting_model.settings_of(config)
        return ModelRecord(version, *published, created, config.arguments, rewards, self._since)

    async def _keep(self) -> None:
        """Publishes the joined log of the run, the log of what could not be joined, and their index."""
        cut, batch = self.plan.cut, self._batch
        if batch.lines.exists():
            await self._storage.create(log_name(self._home, cut, "joined"), batch.lines)
        if batch.late.exists():
            await self._storage.create(log_name(self._home, cut, "late"), batch.late)
        await event_index.publish(self._storage, self._home, cut, *batch.entries, self._folder)
