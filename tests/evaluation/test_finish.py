"""The command `finish`: a job that an evaluator has left in the middle comes to the result of one that was not left."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.evaluation import run
from harness.exports import line, write
from harness.migration import Aside
from harness.system import System

from shared.evaluation import job_store
from shared.evaluation.job import Asked, Job, milliseconds
from shared.evaluation.job_work import JobWork
from shared.loops.blob_names import DEFAULT_HOME
from shared.loops.config import LoopConfig, Policy
from shared.settings import load
from shared.storage import Storage

POLICIES = [Policy("one", "--cb_explore_adf --squarecb -q ::"), Policy("two", "--cb_explore_adf --epsilon 0.1")]
NOW = datetime.now(UTC)


def asked(name: str) -> Asked:
    since, until = (milliseconds(NOW + timedelta(days=days)) for days in (-10, 1))
    return Asked("evaluations", name, "", since, until, POLICIES)


async def begun(aside: Aside, name: str, steps: int) -> None:
    """A job of which an evaluator has worked some steps."""
    storage = Storage(load(aside.settings | {"APP_KEYS": "unused", "EVENT_HUBS_CONNECTION_STRING": "unused"}))
    try:
        assert await job_store.create(storage, DEFAULT_HOME, Job(asked(name), NOW.isoformat()))
        work = JobWork(storage, DEFAULT_HOME, asked(name), LoopConfig())
        for _ in range(steps):
            assert await work.step()
        work.close()
    finally:
        await storage.close()


def result(aside: Aside, name: str) -> bytes:
    (blob,) = [one for one in aside.loop.names(f"evaluations/{job_store.digest(name)}") if one.endswith("result.json")]
    return aside.loop.read(blob)


def test_a_job_is_finished_with_the_parts_that_there_are(system: System, tmp_path: Path) -> None:
    aside = Aside(system)
    logs = write(tmp_path / "logs" / "1.json", [line(number) for number in range(600)])
    assert aside.run("import", "--logs", logs).status == 0
    for name, steps in (("whole", 0), ("left", 3)):
        asyncio.run(begun(aside, name, steps))
        done = run("finish", name, **aside.settings)
        assert (done.status, done.stdout) == (0, f"'{name}' is completed.\n"), done.stderr
    assert result(aside, "left") == result(aside, "whole")
    again = run("finish", "left", **aside.settings)
    assert (again.status, "has ended: it is completed" in again.stderr) == (1, True)
    unknown = run("finish", "nothing", **aside.settings)
    assert (unknown.status, "There is no evaluation 'nothing'" in unknown.stderr) == (1, True)
    assert run("finish", "left", "--minutes", "0", **aside.settings).status == 2
