"""Jobs that are killed, and whose log, policy or loop changes while they are worked."""

import asyncio
import contextlib
import gzip
import math
import os
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from harness import jobs
from harness.logs import START, encoded, log
from harness.mortal import Mortal
from harness.system import children
from harness.trained import Deployment

from shared.admin import configuration, logs, loops
from shared.errors import ApiError
from shared.evaluation import answers_2022, answers_v1, asking, job_store, outcome, unit_run
from shared.evaluation.job import Asked, Job
from shared.evaluation.job_work import JobWork
from shared.evaluation.part import Unit
from shared.evaluation.plan import Plan, Stretch
from shared.evaluation.unit_process import Order
from shared.evaluation.unit_run import Ended
from shared.joined_log.log_file import log_name
from shared.loops import commits, evaluation_names
from shared.loops.blob_names import Home, all_homes, blob_name
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig, Policy
from shared.loops.summary import DAY_MS
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.settings import Settings, load
from shared.storage import Storage, StorageUnavailable
from shared.training import log_merging, retention

RUNS, EVENTS = 9, 40
# A unit of a policy stores five times.
MOST_WRITES = 5
CONFIG = LoopConfig(retention_days=-1)
POLICIES = [
    Policy("one", "--cb_explore_adf --squarecb --gamma_scale 20 -q Fj"),
    Policy("two", "--cb_explore_adf --squarecb --interactions auto --unweighted --explore_first"),
]


async def test_a_unit_lets_everything_else_go_first(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")  # which the unit waits for
    plan = Plan([], [Stretch(0, 1, 0)])
    known = children()
    running = asyncio.create_task(unit_run.run(Order(plan, Unit("", 0), [str(tmp_path / "log")], str(tmp_path))))
    while not (started := children() - known) or os.getpriority(os.PRIO_PROCESS, min(started)) != unit_run.NICENESS:
        assert not running.done()
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.fixture
async def service(environment: dict[str, str]) -> AsyncIterator[Service]:
    made = Service(load(environment))
    yield made
    await made.close()


@pytest.fixture
async def mortal(settings: Settings) -> AsyncIterator[Mortal]:
    storage = Mortal(settings)
    yield storage
    await storage.close()


def cut(run: int) -> int:
    return START + (run + 1) * EVENTS * 10_000


async def logged(service: Service, loop: str) -> Serving:
    """A loop whose trainer has logged RUNS runs of EVENTS events each, with an evaluation that waits."""
    deployment = Deployment(service)
    await deployment.make(loop, config=CONFIG)
    await service.registry.refresh()
    serving = service.loop(loop)
    lines = log(RUNS * EVENTS)
    for run in range(RUNS):
        some = encoded(lines[run * EVENTS : (run + 1) * EVENTS])
        await service.storage.put(log_name(serving.home, cut(run), "joined"), gzip.compress(some))
    stored = await commits.load(service.storage, serving.home)
    await commits.save(service.storage, serving.home, stored, Checkpoint(cut=cut(RUNS - 1)))
    await asking.ask(serving, Asked("evaluations", "one", "one", START, START + DAY_MS, POLICIES))
    return serving


def working(loop: Serving, storage: Storage | None = None) -> JobWork:
    asked = Asked("evaluations", "one", "one", START, START + DAY_MS, POLICIES)
    return JobWork(storage or loop.storage, loop.home, asked, loop.initial)


async def finished(loop: Serving, work: JobWork | None = None) -> Job:
    """The job, worked to its end."""
    work = work or working(loop)
    while await work.step():
        pass
    work.close()
    found = await job_store.read(loop.storage, loop.home, "evaluations", "one")
    assert found is not None
    return found.job


async def numbers(loop: Serving) -> bytes:
    return outcome.encode(await jobs.result(loop, "one"))


async def merge(storage: Storage, home: Home) -> None:
    """Merges what is due of the log, and deletes the parts of the merge before."""
    made = await log_merging.prepare(storage, home)
    if made is not None:
        merges, merged = made
        await commits.amend(
            storage, home, lambda state: msgspec.structs.replace(state, merges=merges, merged=merged, v=5)
        )
    await retention.sweep(storage, home, -1)


@pytest.mark.parametrize("most", [6, pytest.param(20, marks=pytest.mark.soak)])
async def test_killed_at_any_write_while_logs_are_merged_and_deleted_it_comes_to_the_same(
    most: int, service: Service, mortal: Mortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = await logged(service, "calm")
    assert (await finished(calm)).state == "completed"
    undisturbed = await numbers(calm)
    loop, draw, kills = await logged(service, "killed"), random.Random(14), 0
    monkeypatch.setattr(log_merging, "MOST_RUNS", 3)
    before = await service.storage.names(blob_name(loop.home, "logs", ""))
    while kills < most:
        mortal.writes.clear()
        mortal.left = draw.randrange(MOST_WRITES)
        work = working(loop, mortal)
        with contextlib.suppress(StorageUnavailable):
            while await work.step():
                pass
            break
        work.close()
        kills += 1
        await merge(service.storage, loop.home)
    assert kills == most
    assert not set(before) & set(await service.storage.names(blob_name(loop.home, "logs", ""))), "all are merged"
    mortal.left = math.inf
    assert (await finished(loop, working(loop, mortal))).state == "completed"
    assert await numbers(loop) == undisturbed
    names = await service.storage.names(evaluation_names.prefix(loop.home, "evaluations"))
    assert sorted(name.rpartition("/")[2] for name in names) == ["job.json", "result.json"]


async def test_a_log_that_is_deleted_meanwhile_fails_the_job_with_what_to_do(service: Service) -> None:
    loop = await logged(service, "deleted")
    work = working(loop)
    for _ in range(2):
        assert await work.step()
    await logs.delete(loop)
    job = await finished(loop, work)
    assert (job.state, job.reason) == (
        "failed", "The log was deleted meanwhile. Ask again once there is another one.",
    )  # fmt: skip
    names = await service.storage.names(evaluation_names.prefix(loop.home, "evaluations"))
    assert [name.rpartition("/")[2] for name in names] == ["job.json"]
    told = answers_2022.details(job)
    assert (told.status, told.description) == ("Failed", job.reason)
    with pytest.raises(ApiError, match="must be completed"):
        await asking.apply(loop, "one", "one")


async def test_a_loop_that_is_deleted_while_a_unit_is_worked_leaves_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, run = await logged(service, "gone"), unit_run.run

    async def run_and_delete(order: Order, patience: float) -> Ended:
        ended = await run(order, patience)
        await loops.delete(service, "gone")
        return ended

    monkeypatch.setattr(unit_run, "run", run_and_delete)
    work = working(loop)
    assert not await work.step()
    work.close()
    assert await service.storage.names(all_homes("gone")) == []
    with pytest.raises(ApiError) as refused:
        await asking.get(loop, "evaluations", "one")
    assert refused.value.code == "EvaluationNotFound"


async def test_a_policy_that_is_changed_meanwhile_changes_no_number(service: Service) -> None:
    calm = await logged(service, "steady")
    await finished(calm)
    loop = await logged(service, "changed")
    work = working(loop)
    for _ in range(2):
        assert await work.step()
    other = Policy("other", "--cb_explore_adf --cb_type mtr --epsilon 0.3")
    await configuration.change(loop, lambda config: config.with_policy(other))
    assert (await finished(loop, work)).state == "completed"
    assert await numbers(loop) == await numbers(calm)
    assert (await loop.read_config()).policy == other
    await asking.apply(loop, "one", "two")
    assert (await loop.read_config()).policy.name == "two"


async def test_a_log_that_is_damaged_in_the_middle_is_judged_without_that_run(service: Service) -> None:
    loop = await logged(service, "damaged")
    name = log_name(loop.home, cut(4), "joined")
    blob = await service.storage.read(name)
    assert blob is not None
    await service.storage.put(name, blob.data[:10] + bytes(100))
    assert (await finished(loop)).state == "completed"
    found = await jobs.result(loop, "one")
    assert {float(one.n) for one in found.sums.values()} == {(RUNS - 1) * EVENTS}


def test_a_policy_that_is_left_out_is_told_with_the_reason() -> None:
    asked = Asked("evaluations", "one", "one", START, START + DAY_MS, POLICIES)
    job = Job(
        asked, "2026-01-01T00:00:00Z", "completed", failed={"two": "two cannot be judged: it is odd.", "Hyper1": "x"}
    )
    assert answers_2022.details(job).description == "two cannot be judged: it is odd."
    assert answers_v1.answer(job, None, preview=True).error == "two cannot be judged: it is odd."


async def test_a_unit_is_of_low_priority_from_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = tmp_path / "python"
    process.write_text("#!/bin/sh\nread order\nnice >&2\n")
    process.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(process))
    ended = await unit_run.run(Order(Plan([], []), Unit("", 0), [], str(tmp_path)))
    assert ended == (0, str(max(os.getpriority(os.PRIO_PROCESS, 0), unit_run.NICENESS)))
