"""One pass over real event hubs for the runs of several loops."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from harness.trained import AT_ONCE, Deployment

from shared.hubs.reader_pairs import Heads, Links, Pair
from shared.serving.service import Service
from shared.training import planning, run, run_files
from shared.training.passes import Pass
from shared.training.run import Run
from shared.training.trainee import Trainee
from shared.vw.learners import Learners


@pytest.fixture
def deployed(parts: Service) -> Deployment:
    return Deployment(parts)


@pytest.fixture
async def pair(parts: Service) -> AsyncIterator[Pair]:
    links = Links(parts.settings, 2)
    yield await links.pair("any")
    await links.close()


async def test_no_more_pairs_are_open_than_may_be_once_fewer_may(parts: Service) -> None:
    links = Links(parts.settings, 2)
    for pace in (1, 2):
        await links.pair(pace)
    links.most = 1
    kept = await links.pair(2)
    assert list(links._pairs.values()) == [kept]
    await links.close()


async def begun(deployed: Deployment, loops: list[str], heads: Heads, folder: Path, learners: Learners) -> list[Run]:
    """Runs of loops that have never trained, up to the heads."""
    cut, runs = round(heads.clock * 1000) + 1, []
    for loop in loops:
        trainee = Trainee(loop, deployed.created(loop), AT_ONCE)
        before = planning.realigned(trainee.checkpoint, heads.interactions, heads.observations)
        plan = planning.plan(cut, heads, AT_ONCE)
        runs.append(Run(deployed.storage, trainee, before, plan, folder / loop, learners))
        await runs[-1].begin()
    return runs


@pytest.mark.parametrize("step", [1, 1 << 20])
async def test_each_run_gets_its_own_events_and_those_of_other_loops_are_passed_over(
    deployed: Deployment, pair: Pair, tmp_path: Path, learners: Learners, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(run, "STEP_BYTES", step)
    await deployed.reward("1", 0.5, loop="a")
    for loop in ("a", "b", "c"):
        await deployed.rank("1", "2", loop=loop)
    assert await deployed.parts.interactions.append(0, b"of no loop\n")
    heads = await pair.heads()
    runs = await begun(deployed, ["a", "b"], heads, tmp_path, learners)
    one = Pass(pair, runs, lambda each, error: pytest.fail(f"{each.loop}: {error}"))
    await one.observe()
    reached = await one.close()
    assert reached == heads.interactions
    for each in runs:
        await each.end(reached)
    assert await deployed.joined("a") == {"1": 0.5, "2": 0}
    assert await deployed.joined("b") == {"1": 0, "2": 0}
    assert await deployed.counts("a") == {"skipped": 2, "matched": 1}
    assert await deployed.storage.names("loops/c/") == await deployed.storage.names("loops/default/") == []


async def test_a_run_that_fails_is_told_of_once_and_the_others_go_on(
    deployed: Deployment, pair: Pair, tmp_path: Path, learners: Learners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "STEP_BYTES", 1)
    monkeypatch.setattr(run_files, "HELD", 0)  # all goes to the disk
    for loop in ("a", "b"):
        await deployed.rank(*(f"{number}" for number in range(6)), loop=loop)
    runs = await begun(deployed, ["a", "b"], await pair.heads(), tmp_path, learners)
    shutil.rmtree(tmp_path / "a")  # the disk of one run is gone
    dropped: list[tuple[str, type[Exception]]] = []
    one = Pass(pair, runs, lambda one, error: dropped.append((one.loop, type(error))))
    await one.observe()
    reached = await one.close()
    assert dropped == [("a", FileNotFoundError)]
    await runs[1].end(reached)
    assert await deployed.counts("b") == {"skipped": 6}
