"""One job in work: the log of its period on disk, and unit after unit until it is done."""

import asyncio
import contextlib
import shutil
import time
from pathlib import Path

import msgspec

from shared import scratch
from shared.evaluation import job_plan, job_result, job_store, learning_state, part, unit_process, unit_run, units
from shared.evaluation.job import Asked, Job
from shared.evaluation.job_plan import Impossible
from shared.evaluation.job_store import Found
from shared.evaluation.part import Part, Unit
from shared.evaluation.spool import Spool
from shared.evaluation.unit_process import Order
from shared.evaluation.unit_run import LONGEST_UNIT_SECONDS
from shared.joined_log import log_parts
from shared.loops import stored
from shared.loops.blob_names import Home
from shared.loops.config import LoopConfig
from shared.storage import Conflict, Storage

# What a job may be worked on in all.
LONGEST_SECONDS = 86_400.0
ATTEMPTS = 3


class JobWork:
    """asked: the job. initial: the configuration of a loop that nobody has configured. patience: s for a unit."""

    def __init__(
        self, storage: Storage, home: Home, asked: Asked, initial: LoopConfig, patience: float = LONGEST_UNIT_SECONDS
    ) -> None:
        self._storage, self._home, self.asked, self._initial = storage, home, asked, initial
        self._scratch = scratch.folder()
        self._folder = Path(self._scratch.name)
        self._spool: Spool | None = None
        self._job: Job | None = None  # as it was found first
        self._parts: dict[Unit, Part] = {}
        self._attempts, self._patience = 0, patience
        self._deletion: int | None = None

    def close(self) -> None:
        """Deletes what is on disk; what is stored goes on another time."""
        self._scratch.cleanup()

    def told(self) -> str:
        """How far it is, for a reader."""
        return f"{len(self._parts):,} parts so far" if self._parts else "reading the log"

    async def step(self) -> bool:
        """Takes up the job, or works one unit of it, or ends it; False once there is nothing more to do.

        Somebody else's changes and deletions are seen between two steps.
        """
        found = await self._read()
        self._job = self._job or (found.job if found is not None else None)
        if found is None or not found.job.is_open:
            return await self._leave(found)
        try:
            return await self._step(found)
        except Conflict:  # it was changed just now: look again
            return await self._read() is not None or await self._leave(None)
        except Impossible as reason:
            await self._end(found.job.ended("failed", str(reason)))
            return False

    async def _read(self) -> Found | None:
        """The job; None if it was deleted, perhaps with its loop, and also if it was then asked for again."""
        found = await job_store.read(self._storage, self._home, self.asked.kind, self.asked.id)
        if found is None or self._job is None:
            return found
        same = (found.job.asked, found.job.created) == (self.asked, self._job.created)
        return found if same else None

    async def _leave(self, found: Found | None) -> bool:
        """What was stored of a unit that was worked until behind the job's end goes."""
        if self._job is not None:
            is_kept = found is not None and found.job.state == "completed"
            await job_store.clear(self._storage, self._home, self._job, is_kept=is_kept)
        return False

    async def _step(self, found: Found) -> bool:
        if await job_store.result(self._storage, self._home, found.job) is not None:
            # whoever worked it was killed at the very end
            await job_store.finish(self._storage, self._home, found, found.job.ended("completed"), None)
            return False
        if self._spool is None:
            found = await self._take_up(found)
        job = found.job
        assert job.plan is not None
        if await self._deleted() != self._deletion:
            raise Impossible("The log was deleted meanwhile. Ask again once there is another one.")
        if job.seconds > LONGEST_SECONDS:
            await self._end(job.ended("timeout", "It took longer than a day of work: ask for a shorter period."))
            return False
        await job_store.parts(self._storage, self._home, job, self._parts)
        ready = units.ready(job.plan, self._parts, job.failed)
        if not ready:
            result = await asyncio.to_thread(job_result.combined, job, self._parts)
            await job_store.finish(self._storage, self._home, found, job.ended("completed"), result)
            return False
        await self._work(found, ready[0])
        return True

    async def _deleted(self) -> int | None:
        """Which deletion of the whole log was the last one: its cut; None while there is no log."""
        if not await log_parts.listed(self._storage, self._home):
            return None
        state = (await stored.read_checkpoint(self._storage, self._home)).value
        return state.summarised.deleted if state is not None and state.summarised is not None else 0

    async def _take_up(self, found: Found) -> Found:
        job, self._deletion = found.job, await self._deleted()
        if job.config is None:
            config = (await stored.read_config(self._storage, self._home)).value or self._initial
            state = (await stored.read_checkpoint(self._storage, self._home)).value
            through = state.cut if state is not None else 0
            job = msgspec.structs.replace(job, state="running", config=config, through=through)
        folder = self._folder / "log"
        try:
            log = Spool(folder, job_plan.period(job))
            await job_plan.spool(self._storage, self._home, job, log)
            if job.plan is None:
                job = job_plan.planned(job, log)
            else:
                job_plan.same_log(job, log)
            found = await job_store.save(self._storage, self._home, found, job)
        except BaseException:
            await asyncio.to_thread(_remove, folder)  # another time it is read anew, perhaps by another's plan
            raise
        self._spool = log
        return found

    async def _work(self, found: Found, unit: Unit) -> None:
        job, began = found.job, time.monotonic()
        folder = self._folder / "unit"
        folder.mkdir()
        try:
            reason = await self._worked(job, unit, folder)
            if reason is None:
                await self._store(job, unit, folder)
                self._attempts = 0
            else:
                job = msgspec.structs.replace(job, failed=job.failed | {unit.policy: reason})
        finally:
            await asyncio.to_thread(_remove, folder)
        seconds = job.seconds + time.monotonic() - began
        await job_store.save(self._storage, self._home, found, msgspec.structs.replace(job, seconds=seconds))

    async def _worked(self, job: Job, unit: Unit, folder: Path) -> str | None:
        """Has a process of its own work the unit; why the policy cannot be judged, None if it was."""
        assert job.plan is not None
        assert self._spool is not None
        stretch = job.plan.stretches[unit.stretch]
        files = [str(file) for file in self._spool.files(stretch.since, stretch.until)]
        action = None if unit.policy else units.single_action(job.plan, self._parts)
        order = Order(job.plan, unit, files, str(folder), await self._previous(job, unit), action)
        ended = await unit_run.run(order, self._patience)
        if ended.status == unit_process.UNWORKABLE:
            return ended.said
        return self._crashed(unit, ended.said) if ended.status else None

    def _crashed(self, unit: Unit, said: str) -> str:
        """Raises OSError for it to be tried again, Impossible if what fails needs no model; else why it is given up."""
        self._attempts += 1
        reason = said or "it was ended"
        if self._attempts < ATTEMPTS:
            raise OSError(f"{unit.policy or 'The log'} was not worked: {reason}")
        self._attempts = 0
        if not unit.policy:
            raise Impossible(f"The log could not be worked: {reason}.")
        return f"{unit.policy} cannot be judged: {reason}."

    async def _previous(self, job: Job, unit: Unit) -> str | None:
        """The folder with the state of the stretch before; None at the first, and for policies that learn nothing."""
        assert job.plan is not None
        if not unit.stretch or not unit.policy:
            return None
        folder, before = self._folder / "previous", Unit(unit.policy, unit.stretch - 1)
        folder.mkdir(exist_ok=True)
        for file in learning_state.files(job.plan):
            name = job_store.state_name(self._home, job, before, file)
            (folder / file).parent.mkdir(exist_ok=True)
            if not await self._storage.download(name, folder / file):
                await self._look_again(job, before, unit)
                raise Impossible(f"{name} is missing in storage. Ask for the evaluation again.")
        return str(folder)

    async def _look_again(self, job: Job, before: Unit, unit: Unit) -> None:
        """Raises Conflict if another evaluator was faster: it deletes the states that it needs no longer, and all at
        the end."""
        self._parts = {}
        await job_store.parts(self._storage, self._home, job, self._parts)
        if unit in self._parts or before not in self._parts:
            raise Conflict(f"{unit.policy} was worked by another evaluator")

    async def _store(self, job: Job, unit: Unit, folder: Path) -> None:
        """The state first: who finds the part goes on from it."""
        assert job.plan is not None
        states = learning_state.files(job.plan) if unit.policy else []
        for file in states:
            if (folder / file).exists():
                name = job_store.state_name(self._home, job, unit, file)
                await self._storage.put(name, await asyncio.to_thread((folder / file).read_bytes))
        name = job_store.part_name(self._home, job, unit)
        made = folder / unit_process.PART
        await self._storage.create(name, made)
        self._parts[unit] = part.decode(name, await asyncio.to_thread(made.read_bytes))
        if unit.stretch > 1 and unit.policy:
            old = Unit(unit.policy, unit.stretch - 2)
            names = [job_store.state_name(self._home, job, old, file) for file in states]
            await self._storage.delete_all(names)

    async def _end(self, job: Job) -> None:
        """Ends it, whoever changes it meanwhile."""
        while (found := await self._read()) is not None and found.job.is_open:
            with contextlib.suppress(Conflict):
                await job_store.finish(self._storage, self._home, found, job, None)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
