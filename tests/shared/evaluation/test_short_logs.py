"""Logs of less than an hour: as many parts can be made of them as of long ones, and a policy be chosen and judged."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from harness.jobs import imported, race_few, result, work
from harness.logs import START, encoded, log
from harness.trained import Deployment

from shared.evaluation import asking, plan
from shared.evaluation.job import Asked
from shared.evaluation.plan import FIVE_MINUTES_MS
from shared.evaluation.spool import Period, Spool
from shared.loops.config import LoopConfig, Policy
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.settings import load

SLOW = LoopConfig(policy=Policy("slow", "--cb_explore_adf --cb_type mtr --epsilon 0.3 -l 0.0001"), exploration=0.3)


@pytest.fixture
async def loop(environment: dict[str, str]) -> AsyncIterator[Serving]:
    service = Service(load(environment))
    await Deployment(service).make("default", config=SLOW)
    yield service.loop()
    await service.close()


def spooled(folder: Path, seconds: float, count: int = 400) -> Spool:
    """A log of so many seconds."""
    spool = Spool(folder, Period())
    spool.add_lines(encoded(log(count, seconds=seconds / count)))
    spool.close()
    return spool


@pytest.mark.parametrize(
    ("seconds", "span"),
    [(9, 1_000), (100, 1_000), (130, 10_000), (900, 60_000), (3_000, 60_000), (7_000, FIVE_MINUTES_MS)],
)
def test_the_shorter_a_log_the_finer_it_is_cut(tmp_path: Path, seconds: float, span: int) -> None:
    spool = spooled(tmp_path / "log", seconds)
    assert spool.span == span
    stretches, held_out = plan.turns(spool.counts, spool.span)
    assert sum(one.events for one in stretches[held_out:]) == pytest.approx(200, abs=50)
    assert sum(one.events for one in spool.stretches()[: plan.half(spool.stretches())]) == pytest.approx(200, abs=50)
    whole = [stretches, spool.stretches(), plan.stretches({START: 200, START + FIVE_MINUTES_MS: 200})]
    for parts in whole if seconds < 600 else whole[:2]:
        files = [file for part in parts for file in spool.files(part.since, part.until)]
        assert b"".join(file.read_bytes() for file in files) == encoded(log(400, seconds=seconds / 400))
    assert len(list(spool.folder.iterdir())) == len(spool.counts)


def test_what_is_all_of_one_second_or_has_few_events_is_not_raced(tmp_path: Path) -> None:
    for number, spool in enumerate((spooled(tmp_path / "one", 0.5), spooled(tmp_path / "few", 60, 49))):
        assert plan.turns(spool.counts, spool.span)[1] == 0, number


async def test_a_policy_is_found_in_the_log_of_a_minute_and_applied(
    loop: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    race_few(monkeypatch)
    await imported(loop, encoded(log(1_000, seconds=0.06)))
    await asking.ask(loop, Asked("evaluations", "one", "one", START, START + 60_000, optimizes=True))
    job = await work(loop, "one")
    assert (job.state, job.reason) == ("completed", None)
    found = await result(loop, "one")
    assert found.result is not None
    assert found.result.decisions == pytest.approx(500, abs=40)
    best = next(one for one in found.result.policies if one.name == found.result.chosen)
    assert best.verdict is not None
    assert best.verdict.promoted, best.verdict.reasons
    await asking.apply(loop, "one", best.name)
    assert (await loop.read_config()).policy == Policy(best.name, best.arguments)
