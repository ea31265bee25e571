"""Summaries of runs are rolled up by hour and day: every event counts once, bit for bit, whoever is killed when."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from harness.mortal import Mortal
from harness.summarised import CONFIG, SummarisedLoop

from shared.admin import logs, loops
from shared.loops import commits, summaries, summary_names
from shared.loops.blob_names import home_of
from shared.loops.checkpoint import Checkpoint, Summarised
from shared.loops.remembered_days import RememberedDays
from shared.loops.summary import DAY_MS, FIVE_MINUTES_MS, HOUR_MS, Summary, decode, encode
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.settings import Settings
from shared.storage import Listed, StorageUnavailable
from shared.training import retention, summary_merging
from shared.vw.learners import Learners

# 21:05 of a day, and twenty minutes between runs: 9 of them are in it, of three hours. The decisions of each third one
# began in the hour before.
STEP = 1_200_000
FIRST = 19_675 * DAY_MS + 21 * HOUR_MS + STEP // 4
START, END = 19_675 * DAY_MS, 19_677 * DAY_MS
RUNS = 14

MakeLoop = Callable[[str], SummarisedLoop]


@pytest.fixture
async def mortal(settings: Settings) -> AsyncIterator[Mortal]:
    storage = Mortal(settings)
    yield storage
    await storage.close()


@pytest.fixture
def make(mortal: Mortal, tmp_path: Path, learners: Learners) -> MakeLoop:
    return lambda loop: SummarisedLoop(mortal, loop, tmp_path, learners, FIRST, STEP)


async def read(one: SummarisedLoop, span: int = HOUR_MS) -> Summary:
    """All that the summaries say; none of them may be damaged or missing."""
    found = await summaries.over(one.storage, one.home, START, END, span)
    assert (found.missing, found.damaged) == ([], [])
    return found.summary


async def check(one: SummarisedLoop, runs: int) -> None:
    """Readers by hours and by five minutes find the decisions of so many runs, each once."""
    for span in (HOUR_MS, FIVE_MINUTES_MS):
        assert one.contradictions(await read(one, span), range(runs)) == []


async def unrolled(one: SummarisedLoop, runs: int) -> Summary:
    """The sum of the summaries of runs, of which nothing was rolled up."""
    found = await one.blobs()
    made = [decode(name, data) for name, data in found.items() if name.startswith("runs/")]
    assert len(made) == len(found) == runs
    whole = Summary()
    for part in made:
        whole.merge(part)
    return whole


async def test_what_runs_have_sent_is_in_their_summaries(make: MakeLoop) -> None:
    one = make("ledger")
    for number in range(3):
        await one.train(number)
        await check(one, number + 1)
    assert one.contradictions(await unrolled(one, 3), range(3)) == []
    assert one.contradictions(await read(one), range(4)) != [], "it would be noticed"
    state = await one.state()
    assert state.counts.skipped == 3 * 5
    total = (await read(one)).served()
    assert (state.statistics.online.wr, state.statistics.online.wwrr) == (total.wr, total.wwrr)
    assert state.statistics.decisions == 12


async def test_rolling_up_changes_no_bit_and_leaves_one_blob_of_an_hour_or_day(make: MakeLoop) -> None:
    plain, one = make("plain"), make("rolled")
    for number in range(RUNS):
        await plain.train(number)
    whole = await unrolled(plain, RUNS)
    await one.live(0, RUNS)
    await one.sweep()
    await one.sweep()
    kinds = [name.partition("/")[0] for name in await one.blobs()]
    # Two hours of the second day are over, and a third has two runs.
    assert sorted(kinds) == ["days", "features", "fine", "hours", "runs", "runs"]
    sums = whole.sums_only()
    assert encode(await read(one, FIVE_MINUTES_MS)) == encode(sums)
    assert encode(await read(one)) == encode(sums.rolled_up(HOUR_MS))
    sampled = await summaries.over(one.storage, one.home, END, END, features_from=START)
    assert encode(sampled.summary) == encode(Summary(span=HOUR_MS, features=whole.features))
    assert sum(sample.n for sample in sampled.summary.features.values()) == RUNS * 4
    await check(one, RUNS)


async def test_an_old_day_is_rolled_up_without_features_and_lets_its_runs_go(make: MakeLoop) -> None:
    """A trainer that has stood still for long finds it in runs."""
    one = make("old")
    for number in (0, 1, 2, 20 * DAY_MS // STEP):
        await one.train(number)
    for _ in range(4):
        await one.sweep()
    names = sorted(name.partition("/")[0] for name in await one.blobs())
    assert names == ["days", "fine", "runs"], "the last run is of a day that is not over"


async def test_a_day_that_is_remembered_is_not_read_again_unless_it_was_replaced(make: MakeLoop) -> None:
    one, days = make("remembered"), RememberedDays(1)
    await one.live(0, RUNS)
    await one.sweep()

    async def known() -> bytes:
        return encode((await summaries.over(one.storage, one.home, START, END, days=days)).summary)

    expected = encode(await read(one))
    assert [await known() for _ in range(3)] == [expected] * 3
    [name] = [name for name in await one.storage.names(summary_names.prefix(one.home)) if "/days/" in name]
    [listed] = await one.storage.listed(name)
    remembered = days.get(name, listed.etag)
    assert remembered is not None
    remembered.hours.clear()
    assert await known() != expected, "it is not read again"
    changed = Summary(span=HOUR_MS)
    await one.storage.put(name, encode(changed))
    assert await known() == encode(await read(one))


@pytest.mark.parametrize("swept", [False, True])
async def test_an_hour_is_read_with_all_that_was_ranked_in_it(make: MakeLoop, swept: bool) -> None:
    """The runs that have closed it may be of the next hour, or day."""
    one, shown = make(f"hours-{swept}"), 0
    for number in range(RUNS):
        await one.train(number)
        if swept:
            await one.sweep()
    whole = await read(one, FIVE_MINUTES_MS)
    for hour in range(START + 20 * HOUR_MS, END - 22 * HOUR_MS, HOUR_MS):
        found = await summaries.over(one.storage, one.home, hour, hour + HOUR_MS, FIVE_MINUTES_MS)
        assert encode(found.summary) == encode(whole.within(hour, hour + HOUR_MS))
        shown += found.summary.fate("shown")
    assert shown == 4 * RUNS


@pytest.mark.parametrize("swept", [1, 3, RUNS])
async def test_when_it_is_rolled_up_makes_no_difference_to_the_bytes(make: MakeLoop, swept: int) -> None:
    """After each run as above, now and then, or once, when there are hours of the day that were never rolled up."""
    other, one = make(f"often-{swept}"), make(f"seldom-{swept}")
    await other.live(0, RUNS)
    for number in range(RUNS):
        await one.train(number)
        if (number + 1) % swept == 0:
            await one.sweep()
    for _ in range(3):
        await one.sweep()
        await other.sweep()
    assert await one.blobs() == await other.blobs()


async def test_the_parts_are_deleted_a_sweep_later_than_their_roll_up_is_seen(make: MakeLoop) -> None:
    one = make("later")
    for number in range(4):
        await one.train(number)
    for expected in ({"runs": 4}, {"hours": 1, "runs": 4}, {"hours": 1, "runs": 4}, {"hours": 1, "runs": 1}):
        kinds = [name.partition("/")[0] for name in await one.blobs()]
        assert {kind: kinds.count(kind) for kind in set(kinds)} == expected
        await check(one, 4)
        await one.sweep()
    other = make("later")
    await other.sweep()
    assert len(await other.blobs()) == 2, "another process looks for itself"


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.soak)])
async def test_a_process_that_ends_at_any_write_loses_no_event_and_counts_none_twice(
    make: MakeLoop, every: int
) -> None:
    """Writes of the runs behind the first three, of roll-ups of hours and a day, and deletions of their parts."""
    whole = make("undisturbed")
    await whole.live(0, RUNS)
    expected, storage = await whole.blobs(), whole.storage
    assert isinstance(storage, Mortal)
    writes = len(storage.writes)
    for kill in range(7, writes, every):
        one = make(f"killed-{kill}")
        storage.writes, storage.left = [], kill
        with pytest.raises(StorageUnavailable):
            await one.live(0, RUNS)
        storage.left = math.inf
        again = make(f"killed-{kill}")
        reached = (await again.state()).cut
        reached = sum(reached >= again.cut(number) for number in range(RUNS))
        await check(again, reached)
        await again.live(0, RUNS)
        await check(again, RUNS)
        for _ in range(2):
            await again.sweep()
        found = await again.blobs()
        assert {name: expected[name] for name in found} == found
    assert writes > 120


async def test_two_processes_at_once_make_the_same(make: MakeLoop) -> None:
    one, other, alone = make("two"), make("two"), make("one")
    for number in range(RUNS):
        await one.train(number)
        await asyncio.gather(one.sweep(), other.sweep())
        await check(other, number + 1)
        one, other = other, one
    await alone.live(0, RUNS)
    for _ in range(2):
        await one.sweep()
        await alone.sweep()
    assert await one.blobs() == await alone.blobs()


class Interrupted(Mortal):
    """A storage in which something happens right behind the next list of summaries."""

    then: Callable[[], Awaitable[None]] | None = None

    async def names(self, prefix: str) -> list[str]:
        found = await super().names(prefix)
        await self._happen()
        return found

    async def listed(self, prefix: str) -> list[Listed]:
        found = await super().listed(prefix)
        await self._happen()
        return found

    async def _happen(self) -> None:
        then, self.then = self.then, None
        if then is not None:
            await then()


@pytest.fixture
async def interrupted(
    settings: Settings, tmp_path: Path, learners: Learners
) -> AsyncIterator[tuple[SummarisedLoop, Interrupted]]:
    """A loop that has had two runs, of an hour in which there will be a third one."""
    storage = Interrupted(settings)
    one = SummarisedLoop(storage, "interrupted", tmp_path, learners, FIRST, STEP)
    for number in range(2):
        await one.train(number)
    yield one, storage
    await storage.close()


async def test_an_hour_that_ends_while_it_is_looked_at_is_rolled_up_with_its_last_run(
    interrupted: tuple[SummarisedLoop, Interrupted],
) -> None:
    one, storage = interrupted

    async def train() -> None:
        for number in (2, 3):
            await one.train(number)

    storage.then = train
    for _ in range(4):
        await one.sweep()
    assert "hours/20231114T21.19700101T000000000Z.json.gz" in await one.blobs()
    await check(one, 4)


async def test_a_reader_says_how_far_it_has_read_whatever_is_committed_meanwhile(
    interrupted: tuple[SummarisedLoop, Interrupted],
) -> None:
    one, storage = interrupted
    storage.then = lambda: one.train(2)
    found = await summaries.over(storage, one.home, START, END)
    assert (found.through, one.contradictions(found.summary, range(2))) == (one.cut(1), [])
    found = await summaries.over(storage, one.home, START, END)
    assert (found.through, one.contradictions(found.summary, range(3))) == (one.cut(2), [])


async def test_a_reader_reads_again_what_was_rolled_up_or_deleted_since_it_was_listed(
    interrupted: tuple[SummarisedLoop, Interrupted],
) -> None:
    one, storage = interrupted

    async def live() -> None:
        await one.live(2, 5)
        await one.sweep()

    storage.then = live
    found = await summaries.over(storage, one.home, START, END)
    assert (found.missing, one.contradictions(found.summary, range(5))) == ([], [])
    storage.then = lambda: logs.delete(Serving("interrupted", one.home, storage, CONFIG))
    found = await summaries.over(storage, one.home, START, END)
    assert (found.summary.hours, len(found.missing)) == ({}, 23)


async def test_a_run_that_is_stored_and_not_committed_does_not_count(make: MakeLoop) -> None:
    one = make("pending")
    await one.live(0, 2)
    ahead = make("ahead")
    for number in range(3):
        await ahead.train(number)
    name = summary_names.of_run(one.home, one.cut(2))
    blob = await one.storage.read(summary_names.of_run(ahead.home, one.cut(2)))
    assert blob is not None
    await one.storage.put(name, blob.data)
    await check(one, 2)
    await one.sweep()
    await check(one, 2)
    await one.train(2)
    await check(one, 3)


async def test_a_deleted_log_takes_its_summaries_along_and_counters_stay(make: MakeLoop) -> None:
    """Those of runs, those that were rolled up, and those that another process has made of them meanwhile."""
    one = make("deleted")
    await one.live(0, 11)
    stale = await one.blobs()
    before = await one.state()
    await logs.delete(Serving("deleted", one.home, one.storage, CONFIG))
    assert await one.blobs() == {}
    state = await one.state()
    assert (state.statistics, state.counts) == (before.statistics, before.counts)
    for name, data in stale.items():
        await one.storage.put(summary_names.prefix(one.home) + name, data)
    found = await summaries.over(one.storage, one.home, START, END)
    assert found.summary.hours == {}
    assert found.missing == list(range(START, one.cut(10), HOUR_MS))
    await one.live(11, RUNS)
    found = await summaries.over(one.storage, one.home, START, END)
    assert one.contradictions(found.summary, range(11, RUNS)) == []
    assert not set(stale).intersection(await one.blobs())
    assert (await one.state()).statistics.decisions == 4 * RUNS


async def test_a_deleted_loop_takes_its_summaries_along(make: MakeLoop, parts: Service) -> None:
    await loops.create(parts, "gone")
    home = home_of("gone", parts.registry.created("gone") or "")
    one = make(str(home))
    await one.storage.put(summary_names.of_run(one.home, FIRST), b"x")
    assert len(await one.blobs()) == 1
    await loops.delete(parts, "gone")
    assert await one.blobs() == {}


async def test_what_is_past_its_time_is_deleted_and_said_to_be_missing(
    make: MakeLoop,
) -> None:
    """13 months beyond the log: on the second day of the loop, the first one is."""
    one = make("old")
    await one.live(0, RUNS)
    await one.sweep()
    imported = "imported/20231114.19700101T000000000Z.json.gz"
    await one.storage.put(summary_names.prefix(one.home) + imported, encode(Summary()))
    whole = await one.blobs()
    state = await one.state()
    now = START + DAY_MS + (7 + retention.SUMMARY_DAYS) * DAY_MS
    assert state.summarised == Summarised(0)
    assert retention.summarised(state, 7, now - 1) == Summarised(START)
    assert retention.summarised(state, -1, now) == state.summarised
    kept = retention.summarised(state, 7, now)
    assert kept == Summarised(START + DAY_MS)
    late = msgspec.structs.replace(state, committed=now)
    await store(one, late)
    await summary_merging.sweep(one.storage, one.home, 7)
    assert set(whole) - set(await one.blobs()) == {imported}, "the checkpoint does not say yet that it is gone"
    await store(one, msgspec.structs.replace(late, summarised=kept))
    await summary_merging.sweep(one.storage, one.home, -1)
    assert len(await one.blobs()) == len(whole) - 1
    await summary_merging.sweep(one.storage, one.home, 7)
    left = await one.blobs()
    assert {name for name in left if "/20231114" in name} == set()
    found = await summaries.over(one.storage, one.home, START, END)
    assert found.missing == list(range(START, START + DAY_MS, HOUR_MS))
    assert found.summary.fate("shown") > 0


async def store(one: SummarisedLoop, state: Checkpoint) -> None:
    await commits.save(one.storage, one.home, await commits.load(one.storage, one.home), state)


async def test_an_hour_with_a_damaged_part_is_not_rolled_up_and_is_missing(
    make: MakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    one = make("damaged")
    for number in range(4):
        await one.train(number)
    name = summary_names.of_run(one.home, one.cut(1))
    blob = await one.storage.read(name)
    assert blob is not None
    await one.storage.put(name, blob.data[:-1])
    await one.sweep()
    assert not [name for name in await one.blobs() if name.startswith("hours/")]
    found = await summaries.over(one.storage, one.home, START, END)
    assert (found.damaged, found.missing) == ([name], [START + 21 * HOUR_MS])
    assert one.contradictions(found.summary, range(4)) != []
    assert f"{name} is damaged" in caplog.text
    await one.storage.put(name, blob.data)
    await one.sweep()
    assert [name for name in await one.blobs() if name.startswith("hours/")]
    await check(one, 4)
