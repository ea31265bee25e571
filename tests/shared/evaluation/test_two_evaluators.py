"""Two evaluators on one job, one of which is late, and jobs that are deleted and asked for again meanwhile."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from harness import jobs
from harness.jobs import imported
from harness.logs import START, encoded, log
from harness.trained import Deployment

from shared.evaluation import asking, job_store, outcome, plan, unit_run
from shared.evaluation.job import Asked, Job
from shared.evaluation.job_work import JobWork
from shared.evaluation.unit_process import Order
from shared.evaluation.unit_run import Ended
from shared.loops import evaluation_names
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig, Policy
from shared.loops.summary import DAY_MS, HOUR_MS
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.settings import Settings, load
from shared.storage import Storage
from shared.training import remains
from shared.training.remains import Texts

POLICIES = [Policy("one", "--cb_explore_adf --squarecb --gamma_scale 20 -q Fj")]
ASKED = Asked("evaluations", "one", "one", START, START + DAY_MS, POLICIES)
SHORTER = Asked("evaluations", "one", "one", START, START + HOUR_MS // 2, POLICIES)


class Late(Storage):
    """Something else happens once, just before the state of a policy is downloaded."""

    meanwhile: Callable[[], Awaitable[Any]] | None = None

    async def download(self, name: str, *given: Any, **named: Any) -> Any:
        if self.meanwhile is not None and "/states/" in name:
            happens, self.meanwhile = self.meanwhile, None
            await happens()
        return await super().download(name, *given, **named)


@pytest.fixture
async def service(environment: dict[str, str]) -> AsyncIterator[Service]:
    made = Service(load(environment))
    yield made
    await made.close()


@pytest.fixture
async def late(settings: Settings) -> AsyncIterator[Late]:
    storage = Late(settings)
    yield storage
    await storage.close()


@pytest.fixture(autouse=True)
def three_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "STRETCH_EVENTS", 100)


async def logged(service: Service, name: str, asked: Asked) -> Serving:
    """A loop whose log has an hour, with an evaluation that waits."""
    await Deployment(service).make(name, config=LoopConfig(retention_days=-1))
    await service.registry.refresh()
    loop = service.loop(name)
    await imported(loop, encoded(log(360)))
    await asking.ask(loop, asked)
    return loop


async def finished(loop: Serving, asked: Asked, work: JobWork | None = None) -> Job:
    """The job, worked to its end."""
    work = work or JobWork(loop.storage, loop.home, asked, loop.initial)
    while await work.step():
        pass
    work.close()
    found = await job_store.read(loop.storage, loop.home, "evaluations", asked.id)
    assert found is not None
    return found.job


async def numbers(loop: Serving) -> bytes:
    return outcome.encode(await jobs.result(loop, "one"))


async def files(loop: Serving) -> list[str]:
    names = await loop.storage.names(evaluation_names.prefix(loop.home, "evaluations"))
    return sorted(name.rpartition("/")[2] for name in names)


@pytest.mark.parametrize("steps", [2, 9])
async def test_one_that_is_overtaken_does_not_fail_the_job(service: Service, late: Late, steps: int) -> None:
    calm = await logged(service, f"calm{steps}", ASKED)
    assert (await finished(calm, ASKED)).state == "completed"
    loop = await logged(service, f"overtaken{steps}", ASKED)
    other = JobWork(loop.storage, loop.home, ASKED, loop.initial)

    async def overtake() -> None:
        for _ in range(steps):
            await other.step()

    late.meanwhile = overtake
    job = await finished(loop, ASKED, JobWork(late, loop.home, ASKED, loop.initial))
    assert late.meanwhile is None
    other.close()
    assert (job.state, job.reason) == ("completed", None)
    assert await numbers(loop) == await numbers(calm)
    assert await files(loop) == ["job.json", "result.json"]


@pytest.mark.parametrize("ended", [["job.json", "result.json"], ["job.json"]])
async def test_one_that_ends_a_unit_behind_the_end_leaves_nothing(
    ended: list[str], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also behind an erasure, which ends it without a result."""
    loop, run = await logged(service, f"behind{len(ended)}", ASKED), unit_run.run

    async def run_late(order: Order, patience: float) -> Ended:
        monkeypatch.setattr(unit_run, "run", run)
        if "result.json" in ended:
            await finished(loop, ASKED)
        else:
            await remains.delete(loop.storage, loop.home, Checkpoint(), Texts([]))
        return await run(order, patience)

    monkeypatch.setattr(unit_run, "run", run_late)
    await finished(loop, ASKED)
    assert await files(loop) == ended


@pytest.mark.parametrize("again", [SHORTER, ASKED])
async def test_what_is_asked_again_under_an_id_has_nothing_of_what_was_deleted(
    again: Asked, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = await logged(service, f"calm{again.until}", again)
    assert (await finished(calm, again)).state == "completed"
    loop, run = await logged(service, f"again{again.until}", ASKED), unit_run.run

    async def run_and_ask_again(order: Order, patience: float) -> Ended:
        monkeypatch.setattr(unit_run, "run", run)
        ended = await run(order, patience)
        await asking.delete(loop, "evaluations", "one")
        await asking.ask(loop, again)
        return ended

    monkeypatch.setattr(unit_run, "run", run_and_ask_again)
    await finished(loop, ASKED)
    assert (await finished(loop, again)).state == "completed"
    assert await numbers(loop) == await numbers(calm)
    assert await files(loop) == ["job.json", "result.json"]


async def test_what_earlier_versions_stored_of_a_job_that_goes_on_is_deleted_with_its_work(service: Service) -> None:
    loop = await logged(service, "before", ASKED)
    folder = evaluation_names.folder(loop.home, "evaluations", "one")
    for name in ("parts/0000-1.json", "states/1/0000/trainer.vw", "result.json"):
        await loop.storage.put(folder + name, b"{}")
    assert (await finished(loop, ASKED)).state == "completed"
    assert await files(loop) == ["job.json", "result.json"]
