"""The trainer: joins what has closed, learns it, publishes the model, commits. See `checkpoint` for why it is safe."""

import asyncio
import functools
import gzip
import logging
import tempfile
import time
from pathlib import Path

import msgspec

from shared import archive, artifacts, commits, events, hubs, planning, policy, retention, service
from shared.batch import Batch, merged
from shared.checkpoint import Checkpoint, Counts, ModelRecord, Plan
from shared.commits import Stored
from shared.join import Joiner, load_seen
from shared.loops import DEFAULT_LOOP, LoopConfig, blob_name, decode_config, new_loop
from shared.reader import HubReader
from shared.service import Service
from shared.storage import Conflict
from shared.training import Learner, TrainingRefused

_log = logging.getLogger(__name__)


class Trainer:
    """Trains the loops of a deployment. Any number may run at once: they agree on the plan or one gives way."""

    def __init__(self, parts: Service) -> None:
        self._settings, self._storage = parts.settings, parts.storage
        self._interactions = self._reader(parts.settings.interactions_hub)
        self._observations = self._reader(parts.settings.observations_hub)
        self._joiners: dict[str, Joiner] = {}
        self._checked: dict[str, float] = {}

    async def tick(self, loop: str) -> None:
        """Runs what is due for a loop, until it has caught up."""
        try:
            while await self._run(loop):
                pass
        except Conflict as conflict:
            _log.info("Another trainer was faster: %s", conflict)
        except BaseException:
            self._joiners.pop(loop, None)
            raise

    async def close(self) -> None:
        await self._interactions.close()
        await self._observations.close()

    def _reader(self, hub: str) -> HubReader:
        return HubReader(hubs.consumer(self._settings, hub), self._settings.event_hubs_partitions)

    async def _run(self, loop: str) -> bool:
        """One run, planned before or now; False if nothing was due or there is nothing left to do."""
        stored = await commits.load(self._storage, loop)
        if stored.checkpoint.plan is None:
            planned = await self._plan(loop, stored)
            if planned is None:
                return False
            stored = planned
        plan = stored.checkpoint.plan
        assert plan is not None
        await commits.copy(self._storage, loop, stored.checkpoint, plan.run)
        with tempfile.TemporaryDirectory(prefix="open-personalizer-") as folder:
            changed = await self._execute(loop, stored.checkpoint, plan, Path(folder))
        await commits.commit(self._storage, loop, stored, changed, plan.run)
        await retention.sweep(self._storage, loop, plan.config.retention_days)
        return plan.cut < (time.time() - plan.config.wait) * 1000 - planning.LONGEST_RUN_MS

    async def _plan(self, loop: str, stored: Stored) -> Stored | None:
        config = await self._config(loop)
        if not planning.is_due(stored.checkpoint, config, self._checked.get(loop, float("-inf"))):
            return None
        self._checked[loop] = time.monotonic()
        self._interactions.begin(stored.checkpoint.interactions)
        self._observations.begin(stored.checkpoint.observations)
        plan = await planning.plan(
            stored.checkpoint,
            config,
            self._interactions,
            self._observations,
            self._settings.clock_skew_seconds,
        )
        if plan is None:
            return None
        planned = planning.realigned(stored.checkpoint, plan.interactions, plan.observations)
        return await commits.save(self._storage, loop, stored, msgspec.structs.replace(planned, plan=plan))

    async def _execute(self, loop: str, before: Checkpoint, plan: Plan, folder: Path) -> Checkpoint:
        joiner = self._joiners.pop(loop, None)
        warm = joiner is not None and joiner.cut == before.cut
        if joiner is None or not warm:
            joiner = await self._remember(loop, before, plan, folder)
        async with Batch(loop, plan, joiner, folder) as batch:
            await self._observe(before, plan, batch, warm)
            positions, learner = await self._close(loop, before, plan, batch, folder)
            batch.settle()
        seen = folder / "seen"
        seen.write_bytes(gzip.compress(joiner.dump(), compresslevel=1, mtime=0))
        changed, _, seen_artifact = await asyncio.gather(
            self._publish(loop, before, plan, batch.counts, learner),
            self._keep(loop, plan, batch),
            artifacts.publish(self._storage, blob_name(loop, "join", f"{plan.run}.seen.gz"), seen),
        )
        self._joiners[loop] = joiner
        return msgspec.structs.replace(
            changed,
            cut=plan.cut,
            interactions=positions,
            observations=_settled(joiner, plan.observations),
            observed=plan.observations,
            seen=seen_artifact,
            committed=int(time.time() * 1000),
            plan=None,
        )

    async def _remember(self, loop: str, before: Checkpoint, plan: Plan, folder: Path) -> Joiner:
        if before.seen is None:
            return Joiner(before.cut)
        try:
            file = await artifacts.fetch(self._storage, before.seen, folder / "seen.before")
        except artifacts.DamagedArtifact as damage:
            _log.error("Loop %s: %s; reading the log instead.", loop, damage)
            wait = round(plan.config.wait * 1000)
            return Joiner(before.cut, await archive.recollect(self._storage, loop, before.cut, wait))
        return Joiner(before.cut, load_seen(gzip.decompress(file.read_bytes())))

    async def _observe(self, before: Checkpoint, plan: Plan, batch: Batch, warm: bool) -> None:
        """Feeds the batch with the observations that this process has not read yet."""
        start = before.observed if warm else before.observations
        async for message in merged(self._observations.read(start, plan.observations)):
            batch.observations(message, recalled=message.sequence <= before.observed[message.partition])

    async def _close(
        self, loop: str, before: Checkpoint, plan: Plan, batch: Batch, folder: Path
    ) -> tuple[list[int], Learner | None]:
        """Feeds the batch with the interactions that close, and a learner with what is joined.

        The new positions in the interactions hub, and the learner, None if there was nothing to join.
        """
        positions, learner = list(before.interactions), None
        try:
            async for message in merged(self._interactions.read(positions, plan.interactions, until=plan.cut)):
                lines = batch.interactions(message)
                positions[message.partition] = message.sequence
                if lines:
                    learner = learner or await self._learner(loop, before, plan, folder)
                    await asyncio.gather(learner.feed(lines), batch.keep(lines))
        except BaseException:
            if learner is not None:
                await learner.kill()
            raise
        return positions, learner

    async def _learner(self, loop: str, before: Checkpoint, plan: Plan, folder: Path) -> Learner:
        """A learner that goes on from the current model, or has learned the whole log if that model will not do."""
        arguments = plan.config.arguments
        if before.model is None:
            return await Learner.start(arguments, None, folder)
        if not policy.is_same(before.model.arguments, arguments):
            _log.warning("Loop %s: its policy has changed; learning the whole log with it.", loop)
            return await self._relearn(loop, before, arguments, folder)
        try:
            previous = await artifacts.fetch(self._storage, before.model.trainer, folder / "previous.vw")
        except artifacts.DamagedArtifact as damage:
            _log.error("Loop %s: %s; learning the whole log again.", loop, damage)
            return await self._relearn(loop, before, arguments, folder)
        return await Learner.start(arguments, previous, folder)

    async def _relearn(self, loop: str, before: Checkpoint, arguments: str, folder: Path) -> Learner:
        learner = await Learner.start(arguments, None, folder)
        try:
            async for lines in archive.committed(self._storage, loop, through=before.cut):
                await learner.feed(lines)
        except BaseException:
            await learner.kill()
            raise
        return learner

    async def _publish(
        self, loop: str, before: Checkpoint, plan: Plan, counts: Counts, learner: Learner | None
    ) -> Checkpoint:
        """The checkpoint with the new model, or with the old one and the reason why the new one was refused."""
        if learner is None:
            return msgspec.structs.replace(before, counts=before.counts.plus(counts))
        try:
            await learner.finish()
        except TrainingRefused as refusal:
            _log.error("The model of run %s of loop %s was refused: %s", plan.run, loop, refusal)
            counts = msgspec.structs.replace(counts, learned=0, rewarded=0, rejected=counts.learned)
            return msgspec.structs.replace(before, counts=before.counts.plus(counts), failure=f"{plan.run}: {refusal}")
        finally:
            await learner.kill()
        created, version = events.now(), before.model_version(plan.run)
        models = blob_name(loop, "models", version)
        model, predict = await asyncio.gather(
            artifacts.publish(self._storage, f"{models}.vw", learner.model),
            artifacts.publish(self._storage, f"{models}.predict.vw", learner.predict),
        )
        return msgspec.structs.replace(
            before,
            model=ModelRecord(version, model, predict, created, plan.config.arguments),
            first_model=before.first_model or created,
            counts=before.counts.plus(counts),
            failure=None,
        )

    async def _keep(self, loop: str, plan: Plan, batch: Batch) -> None:
        """Publishes the joined log of the run and the log of what could not be joined."""
        hour = time.strftime("%Y/%m/%d/%H", time.gmtime(plan.cut // 1000))
        if batch.counts.learned + batch.counts.skipped:
            await self._storage.create(blob_name(loop, "logs", hour, f"{plan.run}.dsjson.gz"), batch.lines)
        if _kept(batch.counts):
            await self._storage.create(blob_name(loop, "logs", "late", hour, f"{plan.run}.jsonl.gz"), batch.late)

    async def _config(self, loop: str) -> LoopConfig:
        blob = await self._storage.read(blob_name(loop, "config.json"))
        return decode_config(blob.data) if blob else new_loop(self._settings)


def _settled(joiner: Joiner, observed: list[int]) -> list[int]:
    firsts = [joiner.unsettled(partition) for partition in range(len(observed))]
    return [head if first is None else first - 1 for first, head in zip(firsts, observed, strict=True)]


def _kept(counts: Counts) -> int:
    return counts.late + counts.orphans + counts.duplicate_ranks + counts.duplicate_observations + counts.unreadable


@functools.cache
def current() -> Trainer:
    """The trainer of this process."""
    return Trainer(service.current())


async def run(loop: str = DEFAULT_LOOP) -> None:
    """One tick of the timer."""
    await current().tick(loop)
