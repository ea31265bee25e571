"""The command `finish`: works a job that was asked for by the API to its end, wherever the evaluator has left it."""

import argparse

from evaluation.errors import EvaluationError
from migration.progress import Progress
from migration.target import Loop, blobs
from shared import scratch
from shared.evaluation import job_store
from shared.evaluation.evaluator import KINDS
from shared.evaluation.job import Job
from shared.evaluation.job_work import JobWork


async def run(given: argparse.Namespace) -> int:
    """Works the job, and says how it has ended; raises EvaluationError."""
    scratch.sweep()
    async with blobs(given.data, given.loop) as loop:
        job = await _found(loop, given.id)
        if not job.is_open:
            raise EvaluationError(f"{given.id!r} has ended: it is {job.state}. {job.reason or ''}".rstrip())
        initial = (await loop.config())[0]
        work, progress = JobWork(loop.storage, loop.home, job.asked, initial, given.minutes * 60), Progress()
        try:
            while await work.step():
                progress.update(work.told())
        finally:
            work.close()
        progress.end("worked to its end")
        job = await _found(loop, given.id)
    print(f"{given.id!r} is {job.state}. {job.reason or ''}".rstrip())
    return 0 if job.state == "completed" else 1


async def _found(loop: Loop, id: str) -> Job:
    for kind in KINDS:
        found = await job_store.read(loop.storage, loop.home, kind, id)
        if found is not None:
            return found.job
    raise EvaluationError(f"There is no evaluation {id!r} in the loop {loop.name}: GET .../evaluations lists them.")
