"""Jobs of a loop, worked in the process of the test as the evaluator works them."""

import gzip

import pytest

from harness.logs import START
from shared.evaluation import grid, job_store
from shared.evaluation.job import Job
from shared.evaluation.job_work import JobWork
from shared.evaluation.outcome import Outcome
from shared.joined_log import log_reading
from shared.serving.loop import Serving


def race_few(patch: pytest.MonkeyPatch) -> None:
    """Makes races of a fifth of the candidates: each costs the start of a process for each turn."""
    patch.setattr(grid, "EXPLORATIONS", grid.EXPLORATIONS[:3])
    patch.setattr(grid, "RATES", grid.RATES[:1])


async def imported(loop: Serving, data: bytes) -> None:
    """Has the loop's log hold lines of `harness.logs` as imported ones."""
    name = log_reading.imported_name(loop.home, START + 9 * log_reading.HOUR_MS, "0")
    await loop.storage.put(name, gzip.compress(data))


async def result(loop: Serving, id: str) -> Outcome:
    """What an evaluation has come to."""
    found = await job_store.read(loop.storage, loop.home, "evaluations", id)
    assert found is not None
    outcome = await job_store.result(loop.storage, loop.home, found.job)
    assert outcome is not None
    return outcome


async def work(loop: Serving, id: str) -> Job:
    """Works an evaluation to its end."""
    found = await job_store.read(loop.storage, loop.home, "evaluations", id)
    assert found is not None
    worked = JobWork(loop.storage, loop.home, found.job.asked, loop.initial)
    while await worked.step():
        pass
    worked.close()
    ended = await job_store.read(loop.storage, loop.home, "evaluations", id)
    assert ended is not None
    return ended.job
