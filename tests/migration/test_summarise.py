"""Summaries made from the log: bit for bit what the runs stored, and there for loops and imports that have none."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from harness.exports import line, write
from harness.migration import Aside, Done
from harness.summarised import SummarisedLoop

from shared.admin import logs
from shared.loops import commits, stored, summaries, summary_names
from shared.loops.blob_names import DEFAULT_HOME
from shared.loops.checkpoint import LONGEST_RUN_MS
from shared.loops.summary import DAY_MS, HOUR_MS
from shared.serving.loop import Serving
from shared.settings import load
from shared.storage import Storage
from shared.training import summaries_anew
from shared.vw.learners import Learners
from shared.vw.zygote import Zygote

STEP = 1_200_000
FIRST = 19_675 * DAY_MS + 21 * HOUR_MS + STEP // 2
START, END, RUNS = 19_675 * DAY_MS, 19_677 * DAY_MS, 14

Make = Callable[[], SummarisedLoop]


@pytest.fixture
async def storage(aside: Aside) -> AsyncIterator[Storage]:
    made = Storage(load(aside.settings | {"APP_KEYS": "k", "EVENT_HUBS_CONNECTION_STRING": "unused"}))
    yield made
    await made.close()


@pytest.fixture
async def make(storage: Storage, tmp_path: Path) -> AsyncIterator[Make]:
    async with Zygote() as zygote:
        yield lambda: SummarisedLoop(storage, "default", tmp_path, Learners(1, zygote), FIRST, STEP)


async def command(aside: Aside) -> Done:
    """`summarise`, that ends well."""
    done = await asyncio.to_thread(aside.run, "summarise")
    assert done.status == 0, done.stderr
    return done


async def lived(make: Make, runs: int = RUNS, *, swept: bool = True) -> tuple[SummarisedLoop, dict[str, bytes]]:
    """A loop that has had some runs, and its summaries."""
    one = make()
    await one.storage.put(stored.config_name(one.home), one.trainee.config.encoded())
    for number in range(runs):
        await one.train(number)
        if swept:
            await one.sweep()
    if swept:
        await one.sweep()
    return one, await one.blobs()


async def forget(one: SummarisedLoop) -> None:
    """Makes it a loop of a version that had no summaries."""
    await one.storage.delete_all(await one.storage.names(summary_names.prefix(one.home)))
    found = await commits.load(one.storage, one.home)
    await commits.save(one.storage, one.home, found, msgspec.structs.replace(found.checkpoint, summarised=None))


async def test_they_are_those_that_the_runs_stored_bit_for_bit(aside: Aside, make: Make) -> None:
    one, live = await lived(make)
    await forget(one)
    found = await summaries.over(one.storage, one.home, START, END)
    assert (found.summary.hours, len(found.missing)) == ({}, 26)
    done = await command(aside)
    assert f"summarised: {RUNS * 5} events of 2 days, 0 imported ones" in done.stdout
    assert {kind.partition("/")[0] for kind in live} == {"days", "features", "fine", "hours", "runs"}
    assert await one.blobs() == live
    state = (await one.state()).summarised
    assert state is not None
    assert state.since == one.cut(0) - LONGEST_RUN_MS
    found = await summaries.over(one.storage, one.home, one.cut(0) - HOUR_MS // 6, END)
    assert (found.missing, one.contradictions(found.summary, range(RUNS))) == ([], [])
    await one.live(RUNS, RUNS + 3)
    found = await summaries.over(one.storage, one.home, START, END)
    assert one.contradictions(found.summary, range(RUNS + 3)) == []


async def test_a_loop_of_an_earlier_version_has_summaries_from_its_next_run_on(aside: Aside, make: Make) -> None:
    """The hours before are missing until the command is run, which may be later."""
    one, _ = await lived(make, 7)
    await forget(one)
    await one.live(7, RUNS)
    found = await summaries.over(one.storage, one.home, START, END)
    assert one.contradictions(found.summary, range(7, RUNS)) == []
    assert found.missing == [START + hour * HOUR_MS for hour in range(24)], "the last one was cut at 23:10"
    assert (await one.state()).statistics.decisions == 4 * RUNS
    await command(aside)
    found = await summaries.over(one.storage, one.home, START, END)
    assert found.missing == [START + hour * HOUR_MS for hour in range(21)]
    assert one.contradictions(found.summary, range(RUNS)) == []


async def test_before_anything_is_rolled_up_too_and_again(aside: Aside, make: Make) -> None:
    one, live = await lived(make, 2, swept=False)
    await command(aside)
    assert await one.blobs() == live
    await command(aside)
    assert await one.blobs() == live
    assert (await one.state()).summarised == (await one.state()).summarised


async def test_what_was_damaged_is_made_again(aside: Aside, make: Make) -> None:
    one, live = await lived(make)
    for name, data in live.items():
        await one.storage.put(summary_names.prefix(one.home) + name, data[:-9])
    await command(aside)
    assert await one.blobs() == live


async def test_a_day_of_which_the_log_has_less_is_left_as_it_is(aside: Aside, make: Make) -> None:
    one, live = await lived(make)
    names = await one.storage.names(f"loops/{one.home}/logs/2023/11/14/21/")
    assert names
    await one.storage.delete_all(names)
    done = await command(aside)
    assert "left as they were, for the log has less of them: 2023-11-14" in done.stdout
    assert await one.blobs() == live
    found = await summaries.over(one.storage, one.home, START, END)
    assert one.contradictions(found.summary, range(RUNS)) == []


async def test_nothing_of_a_deleted_log_comes_back(aside: Aside, make: Make) -> None:
    one, _ = await lived(make, 4)
    kept = {name: await one.storage.read(name) for name in await one.storage.names(f"loops/{one.home}/logs/")}
    await logs.delete(Serving("default", one.home, one.storage, one.trainee.config))
    for name, blob in kept.items():
        assert blob is not None
        await one.storage.put(name, blob.data)
    await command(aside)
    assert await one.blobs() == {}
    await one.live(4, 6)
    live = await one.blobs()
    await forget_blobs(one)
    await command(aside)
    assert await one.blobs() == live


async def forget_blobs(one: SummarisedLoop) -> None:
    await one.storage.delete_all(await one.storage.names(summary_names.prefix(one.home)))


async def test_a_log_that_is_deleted_meanwhile_is_not_said_to_be_there(
    aside: Aside, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = await lived(make, 4)
    amend = commits.amend

    async def deleted(storage: Storage, *given: object) -> None:
        monkeypatch.setattr(commits, "amend", amend)
        await logs.delete(Serving("default", one.home, storage, one.trainee.config))
        await amend(storage, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(summaries_anew.commits, "amend", deleted)
    done = await asyncio.to_thread(aside.run, "summarise")
    assert (done.status, done.stderr.splitlines()[-1]) == (1, "The log was deleted meanwhile; run the command again.")
    found = await summaries.over(one.storage, one.home, START, END)
    assert found.summary.hours == {}


async def test_an_imported_log_is_summarised_apart_and_metrics_do_not_jump(
    aside: Aside, storage: Storage, tmp_path: Path
) -> None:
    log = [line(number) for number in range(300)]
    done = await asyncio.to_thread(aside.run, "import", "--logs", write(tmp_path / "log.json", log))
    assert done.status == 0, done.stderr
    lines = [json.loads(one) for one in imported(aside)]
    assert lines
    done = await command(aside)
    assert f"{len(lines)} imported ones among them" in done.stdout
    times = [summary_names.time_of(name.rpartition("/")[2]) for name in aside.loop.names("logs/") if "_" in name]
    start, end = min(times) - DAY_MS, max(times) + DAY_MS
    found = await summaries.imported(storage, DEFAULT_HOME, start - start % HOUR_MS, end - end % HOUR_MS)
    served = found.summary.served()
    assert float(served.n) == len([one for one in lines if not one.get("_skipLearn")])
    assert float(served.wr) == pytest.approx(sum(0 - one["_label_cost"] for one in lines))
    trained = await summaries.over(storage, DEFAULT_HOME, start - start % HOUR_MS, end - end % HOUR_MS)
    assert trained.summary.hours == {}
    before = {name: aside.loop.read(name) for name in aside.loop.names("summaries/")}
    assert before
    await command(aside)
    assert before == {name: aside.loop.read(name) for name in aside.loop.names("summaries/")}


def imported(aside: Aside) -> list[bytes]:
    names = [name for name in aside.loop.names("logs/") if name.endswith(".dsjson.gz")]
    return [one for name in names for one in gzip.decompress(aside.loop.read(name)).splitlines()]
