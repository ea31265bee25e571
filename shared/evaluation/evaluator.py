"""The evaluator: takes up the jobs of all loops, a unit of each in turns."""

import functools
import logging
import time
from collections import deque

from shared import telemetry
from shared.errors import shown
from shared.evaluation import job_store
from shared.evaluation.job_work import JobWork
from shared.loops.blob_names import Home, home_of
from shared.loops.config import DEFAULT_LOOP, new_loop
from shared.loops.evaluation_names import Kind
from shared.loops.unreadable import Unreadable
from shared.serving import service
from shared.serving.service import Service
from shared.storage import StorageUnavailable

KINDS: tuple[Kind, ...] = ("evaluations", "importances")
# After so long a tick begins no other unit: the platform ends what takes longer than its grace.
LONGEST_TICK_SECONDS = 300.0

_log = logging.getLogger(__name__)


class Evaluator:
    """Works jobs. Any number may run at once: what two have worked is the same, and counts once."""

    def __init__(self, parts: Service) -> None:
        self._parts = parts
        self._works: dict[tuple[Home, Kind, str], JobWork] = {}

    async def tick(self) -> None:
        """Works what there is, until nothing is left or the tick has taken long enough. A failure is logged."""
        began = time.monotonic()
        waiting = deque(await self._open())
        while waiting and time.monotonic() - began < LONGEST_TICK_SECONDS:
            loop, key = waiting.popleft()
            try:
                more = await self._works[key].step()
            except (StorageUnavailable, Unreadable, OSError) as error:
                telemetry.error(_log, f"The evaluation '{shown(key[2])}' waits: {error}", loop)
                continue
            except Exception as error:
                telemetry.error(_log, f"The evaluation '{shown(key[2])}' was not worked: {error}", loop, error)
                continue
            if more:
                waiting.append((loop, key))
            else:
                self._works.pop(key).close()

    def close(self) -> None:
        while self._works:
            self._works.popitem()[1].close()

    async def _open(self) -> list[tuple[str, tuple[Home, Kind, str]]]:
        """The jobs that are not ended, the longest waiting first."""
        registry, storage = self._parts.registry, self._parts.storage
        await registry.refresh()
        loops = {DEFAULT_LOOP: ""} | {name: record.created for name, record in registry.loops.items()}
        found: list[tuple[str, str, tuple[Home, Kind, str]]] = []
        for loop, created in loops.items():
            home = home_of(loop, created)
            for kind in KINDS:
                for job in await job_store.listed(storage, home, kind):
                    if not job.is_open:
                        continue
                    key = home, kind, job.asked.id
                    if key not in self._works:
                        self._works[key] = JobWork(storage, home, job.asked, new_loop(self._parts.settings))
                    found.append((job.created, loop, key))
        wanted = {key for _, _, key in found}
        for key in [key for key in self._works if key not in wanted]:
            self._works.pop(key).close()
        return [(loop, key) for _, loop, key in sorted(found)]


@functools.cache
def current() -> Evaluator:
    """The evaluator of this process."""
    return Evaluator(service.current())


async def run() -> None:
    """One tick of the timer."""
    await current().tick()
