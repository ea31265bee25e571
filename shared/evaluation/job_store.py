"""Jobs in storage: each in a folder of its own, and in that a folder of its work: immutable parts and, at the end, its
result.

An id may be asked for again once its job was deleted, while an evaluator still works that. What it stores then is in
the folder of the deleted job's work, which belongs to no other.
"""

import asyncio
from typing import NamedTuple

import msgspec

from shared.evaluation import outcome, part
from shared.evaluation.job import FORMAT, Job
from shared.evaluation.outcome import Outcome
from shared.evaluation.part import Part, Unit
from shared.loops import unreadable
from shared.loops.blob_names import Home
from shared.loops.evaluation_names import JOB, RESULT, Kind, digest, folder, prefix
from shared.storage import Conflict, Listed, Storage

AT_ONCE = 16  # jobs that are read at once


class Found(NamedTuple):
    """A job as it is stored."""

    job: Job
    etag: str


class DamagedJob(unreadable.Unreadable):
    """A job or its result cannot be read; the text says which one and why."""


_decode = msgspec.json.Decoder(Job).decode


async def create(storage: Storage, home: Home, job: Job) -> bool:
    """Stores a new job; False if there is one of its id."""
    try:
        await storage.replace(_name(home, job.asked.kind, job.asked.id, JOB), msgspec.json.encode(job), None)
    except Conflict:
        return False
    return True


async def read(storage: Storage, home: Home, kind: Kind, id: str) -> Found | None:
    """A job by its id; None if there is none. Raises DamagedJob, LaterVersion."""
    return await read_blob(storage, _name(home, kind, id, JOB))


async def save(storage: Storage, home: Home, found: Found, job: Job) -> Found:
    """Replaces a job; raises Conflict if somebody has changed or deleted it since it was read."""
    name = _name(home, job.asked.kind, job.asked.id, JOB)
    return Found(job, await storage.replace(name, msgspec.json.encode(job), found.etag))


async def blobs(storage: Storage, home: Home, kind: Kind) -> list[Listed]:
    """Those of all jobs."""
    return [blob for blob in await storage.listed(prefix(home, kind)) if blob.name.endswith(f"/{JOB}")]


async def listed(storage: Storage, home: Home, kind: Kind) -> list[Job]:
    """All jobs that can be read, the newest first."""
    names = [blob.name for blob in await blobs(storage, home, kind)]
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Found | None:
        async with limit:
            try:
                return await read_blob(storage, name)
            except unreadable.Unreadable:
                return None

    found = await asyncio.gather(*map(one, names))
    jobs = [each.job for each in found if each is not None]
    return sorted(jobs, key=lambda job: (job.created, job.asked.id), reverse=True)


async def delete(storage: Storage, home: Home, kind: Kind, id: str) -> None:
    """Deletes a job, itself first: without it no work goes on. One that is asked for meanwhile stays."""
    names = await storage.names(folder(home, kind, id))
    await storage.delete(_name(home, kind, id, JOB))
    await storage.delete_all(names)


async def parts(storage: Storage, home: Home, job: Job, known: dict[Unit, Part]) -> None:
    """Adds the parts that are stored and not known."""
    names = await storage.names(f"{_work(home, job)}parts/")
    have = {part_name(home, job, unit) for unit in known}
    for name in names:
        if name in have:
            continue
        blob = await storage.read(name)
        if blob is None:
            continue
        try:
            found = part.decode(name, blob.data)
        except msgspec.DecodeError:
            await storage.delete(name)  # it is worked again
        else:
            known[found.unit] = found


def part_name(home: Home, job: Job, unit: Unit) -> str:
    return f"{_work(home, job)}parts/{unit.stretch:04d}-{digest(unit.policy)}.json"


def state_name(home: Home, job: Job, unit: Unit, file: str) -> str:
    """Of a file of what a policy has become by the end of a stretch."""
    return f"{_work(home, job)}states/{digest(unit.policy)}/{unit.stretch:04d}/{file}"


async def finish(storage: Storage, home: Home, found: Found, job: Job, result: Outcome | None) -> None:
    """Stores the result of a job, deletes what it was made of, and stores how it has ended; raises Conflict.

    In this order nothing is left behind: a job that has a result and is not ended only has to be ended.
    """
    if result is not None:
        await storage.put(_result_name(home, job), outcome.encode(result))
    await clear(storage, home, job, is_kept=job.state == "completed")
    await _clear_of_before(storage, home, job)
    await save(storage, home, found, job)


async def clear(storage: Storage, home: Home, job: Job, *, is_kept: bool = False) -> None:
    """Deletes the work of a job. is_kept: but its result."""
    kept = {_result_name(home, job)} if is_kept else set()
    await storage.delete_all(name for name in await storage.names(_work(home, job)) if name not in kept)


async def _clear_of_before(storage: Storage, home: Home, job: Job) -> None:
    """Deletes what versions that had no folder for it stored of a job's work, before this one took it up."""
    whole = folder(home, job.asked.kind, job.asked.id)
    for kind in ("parts/", "states/", RESULT):
        await storage.delete_all(await storage.names(whole + kind))


async def result(storage: Storage, home: Home, job: Job) -> Outcome | None:
    """The result of a job; None before its end. Raises DamagedJob, LaterVersion."""
    name = _result_name(home, job)
    blob = await storage.read(name)
    if blob is None and not job.is_open:  # as it was stored before work had a folder
        name = _name(home, job.asked.kind, job.asked.id, RESULT)
        blob = await storage.read(name)
    try:
        return outcome.decode(blob.data) if blob is not None else None
    except msgspec.DecodeError as error:
        raise DamagedJob(f"{name} is damaged ({error}): delete the job, and ask for it again.") from None


async def read_blob(storage: Storage, name: str) -> Found | None:
    """`read` by the name of the blob."""
    blob = await storage.read(name)
    if blob is None:
        return None
    try:
        unreadable.check(name, blob.data, FORMAT)
        return Found(_decode(blob.data), blob.etag)
    except msgspec.DecodeError as error:
        raise DamagedJob(f"{name} is damaged ({error}): delete the job, and ask for it again.") from None


def _name(home: Home, kind: Kind, id: str, file: str) -> str:
    return f"{folder(home, kind, id)}{file}"


def _work(home: Home, job: Job) -> str:
    return f"{folder(home, job.asked.kind, job.asked.id)}{digest(job.created)}/"


def _result_name(home: Home, job: Job) -> str:
    return f"{_work(home, job)}{RESULT}"
