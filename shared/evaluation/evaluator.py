"""The evaluator: takes up the jobs of all loops, a unit of each loop in turns, and judges their alarms."""

import functools
import logging
import math
import time
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from shared import telemetry
from shared.errors import shown
from shared.evaluation import job_store
from shared.evaluation.job import Asked, Job
from shared.evaluation.job_work import JobWork
from shared.evaluation.optimizing import Optimizing
from shared.loops.blob_names import Home, home_of
from shared.loops.config import DEFAULT_LOOP, new_loop
from shared.loops.evaluation_names import Kind
from shared.loops.unreadable import Unreadable
from shared.monitoring.rounds import Rounds
from shared.serving import service
from shared.serving.service import Service
from shared.storage import Listed, StorageUnavailable

KINDS: tuple[Kind, ...] = ("evaluations", "importances")
# After so long a tick begins no other unit: the platform ends what takes longer than its grace.
LONGEST_TICK_SECONDS = 300.0
# So often a tick sees what is new.
LOOK_SECONDS = 5.0
# So often it says that it has looked.
TELL_SECONDS = 240.0

_log = logging.getLogger(__name__)


class Waiting(NamedTuple):
    """The jobs of a loop that are to be worked."""

    home: Home
    loop: str
    jobs: list[Job]


class Evaluator:
    """Works jobs. Any number may run at once: what two have worked is the same, and counts once."""

    def __init__(self, parts: Service) -> None:
        self._parts = parts
        self._works: dict[Home, JobWork] = {}
        self._served: dict[Home, float] = {}  # when each loop has had its last turn
        self._ended: set[Listed] = set()  # the jobs that need not be read again
        self._optimizing = Optimizing(parts)
        self._told = -math.inf
        self._rounds = Rounds(parts.storage, parts.registry, new_loop(parts.settings))

    async def tick(self) -> None:
        """Works what there is, until nothing is left or the tick has taken long enough. A failure is logged."""
        began, looked = time.monotonic(), -math.inf
        await self._optimizing.go()
        waiting, done = deque[Waiting](), list[tuple[Home, Asked]]()
        while (now := time.monotonic()) - began < LONGEST_TICK_SECONDS:
            if not waiting or now - looked >= LOOK_SECONDS:
                await self._go_round()
                waiting, looked = deque(await self._open(done)), now
                self._tell(waiting, now)
                if not waiting:
                    return
            home, loop, jobs = waiting.popleft()
            self._served[home] = now
            if not await self._step(home, loop, jobs[0]):
                done.append((home, jobs.pop(0).asked))
            if jobs:
                waiting.append(Waiting(home, loop, jobs))

    def _tell(self, found: Iterable[Waiting], now: float) -> None:
        """Says now and then that it has looked, and how long what it found has waited."""
        if now - self._told < TELL_SECONDS:
            return
        self._told = now
        jobs = [job for one in found for job in one.jobs]
        begun = [datetime.fromisoformat(job.created).timestamp() for job in jobs if job.state == "waiting"]
        waited = time.time() - min(begun) if begun else 0.0
        telemetry.tell(_log, "evaluator", jobs=len(jobs), waiting_seconds=round(waited, 1))

    async def _go_round(self) -> None:
        """Judges alarms, if it is time."""
        try:
            await self._rounds.go()
        except (StorageUnavailable, Unreadable) as error:
            telemetry.notice(_log, f"Alarms are judged later: {error}")

    async def _step(self, home: Home, loop: str, job: Job) -> bool:
        """One step of a loop's job; False if it is not to go on in this tick."""
        work = self._works.get(home)
        if work is None or work.asked != job.asked:
            self._let_go(home)
            work = self._works[home] = JobWork(self._parts.storage, home, job.asked, new_loop(self._parts.settings))
        try:
            if await work.step():
                return True
            self._let_go(home)
        except (StorageUnavailable, Unreadable, OSError) as error:
            telemetry.error(_log, f"The evaluation '{shown(job.asked.id)}' waits: {error}", loop)
        except Exception as error:
            telemetry.error(_log, f"The evaluation '{shown(job.asked.id)}' was not worked: {error}", loop, error)
        return False

    def _let_go(self, home: Home) -> None:
        work = self._works.pop(home, None)
        if work is not None:
            work.close()

    async def _open(self, done: Sequence[tuple[Home, Asked]]) -> list[Waiting]:
        """By loop the jobs that are not ended, the longest waiting first, but those that this tick is done with.

        The loop comes first whose last turn is longest ago.
        """
        registry, storage = self._parts.registry, self._parts.storage
        await registry.refresh()
        loops = {DEFAULT_LOOP: ""} | {name: record.created for name, record in registry.loops.items()}
        found, ended = list[Waiting](), set[Listed]()
        for loop, created in loops.items():
            home, jobs = home_of(loop, created), list[Job]()
            for kind in KINDS:
                for blob in await job_store.blobs(storage, home, kind):
                    job = await self._job(blob) if blob not in self._ended else None
                    if job is None:
                        ended.add(blob)
                    elif (home, job.asked) not in done:
                        jobs.append(job)
            if jobs:
                found.append(Waiting(home, loop, sorted(jobs, key=lambda job: job.created)))
        self._ended = ended
        if not done:
            for home in set(self._works) - {one.home for one in found}:
                self._let_go(home)
        return sorted(found, key=lambda one: self._served.get(one.home, -math.inf))

    async def _job(self, blob: Listed) -> Job | None:
        """A job that is not ended; None for others, and for one that cannot be read."""
        try:
            read = await job_store.read_blob(self._parts.storage, blob.name)
        except Unreadable:
            return None
        return read.job if read is not None and read.job.is_open else None


@functools.cache
def current() -> Evaluator:
    """The evaluator of this process."""
    return Evaluator(service.current())


async def run() -> None:
    """One tick of the timer."""
    await current().tick()
