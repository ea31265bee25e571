"""The log of older runs is merged: every reader finds every line once, before, during and after, whoever is killed."""

import asyncio
import gzip
import math
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from harness.learning import PLAIN, decide
from harness.mortal import Mortal

from shared.admin import logs
from shared.hubs import events
from shared.hubs.events import Observation
from shared.hubs.reader import Message
from shared.hubs.reader_pairs import Heads
from shared.joined_log import damaged_logs, log_parts, log_reading, merged_log
from shared.joined_log.log_file import log_name
from shared.loops import checkpoint, commits
from shared.loops.blob_names import Home, blob_name, run_name
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.loops.model_records import Place
from shared.rank import ranking
from shared.serving.loop import Serving
from shared.settings import Settings
from shared.storage import Storage, StorageUnavailable
from shared.trace import search
from shared.training import log_merging, planning, retention
from shared.training.housekeeping import Housekeeping
from shared.training.run import Run
from shared.training.trainee import Trainee
from shared.vw import dsjson
from shared.vw.learners import Learners

# The last hour of a day, and a minute between runs: 5 of them are in it, those that follow in the next day.
FIRST, MINUTE, RUNS = 1_700_006_100_000, 60_000, 9
CONFIG = LoopConfig(retention_days=-1)
# A life of this many runs merges, deletes the parts and prepares the next merge. Of its WRITES, KILLS are behind the
# first two runs.
LIFE, WRITES, KILLS = 6, 77, 63


@pytest.fixture
async def mortal(settings: Settings) -> AsyncIterator[Mortal]:
    storage = Mortal(settings)
    yield storage
    await storage.close()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Blobs of three runs each, sweeps whenever they are asked for, and a process that has met no damage yet."""
    monkeypatch.setattr(log_merging, "MOST_RUNS", 3)
    monkeypatch.setattr(retention, "SWEEP_SECONDS", 0)
    damaged_logs._readings.clear()
    damaged_logs._reported.clear()
    yield
    damaged_logs._readings.clear()


def cut(number: int) -> int:
    return FIRST + number * MINUTE


class Process:
    """A trainer's process for one loop, each of whose runs logs two decisions and keeps a reward of nobody's."""

    def __init__(self, storage: Storage, loop: str, folder: Path, learners: Learners) -> None:
        self.storage, self.home, self._loop, self._learners = storage, Home(loop), loop, learners
        self._folder = folder / f"{id(self)}"
        self._folder.mkdir()
        self.trainee = Trainee(loop, "", CONFIG)
        retention._swept.pop(self.home, None)

    async def train(self, number: int) -> None:
        """The run of this number, unless it has been committed."""
        trainee = self.trainee
        trainee.keep(await commits.load(self.storage, self.home))
        trainee.joiner = None
        if trainee.checkpoint.cut >= cut(number):
            return
        last = [2 * number + 1], [number]
        before = planning.realigned(trainee.checkpoint, *last)
        plan = before.plan or planning.plan(cut(number), Heads(0.0, *last), CONFIG)
        run = Run(self.storage, trainee, before, plan, self._folder / str(number), self._learners)
        await run.begin()
        try:
            reward = Observation(1, self._loop, f"nobody-{number}", "", "reward", f"{number}", 0.5)
            line = events.encode(reward)
            run.observe(Message(cut(number) - 700_000, 0, number, line), reward, line)
            for sequence in (2 * number, 2 * number + 1):
                made = decide(PLAIN[0] | {"eventId": f"e{sequence}"})
                line = ranking.event(made, self._loop, deferred=True)
                if run.close_interaction(
                    Message(cut(number) - 1, 0, sequence, line), events.decode_interaction(line), line
                ):
                    await run.flush()
            await run.end(last[0])
        finally:
            await run.close()

    async def tidy(self) -> None:
        """What is done beside its ticks; raises what was wrong."""
        await Housekeeping(self.storage)._tidy(self.trainee)

    async def live(self, first: int = 0, last: int = RUNS) -> None:
        """All of its runs, tidied up behind each."""
        for number in range(first, last):
            await self.train(number)
            await self.tidy()

    async def live_until_killed(self) -> int:
        """The run during or behind which its end came."""
        for number in range(LIFE):
            try:
                await self.live(number, number + 1)
            except StorageUnavailable:
                return number
        raise AssertionError("it was not killed")


MakeProcess = Callable[[Storage, str], Process]


@pytest.fixture
def process(tmp_path: Path, learners: Learners) -> MakeProcess:
    return lambda storage, loop: Process(storage, loop, tmp_path, learners)


def ids(lines: bytes) -> list[str | None]:
    return [dsjson.id_of(line) for line in lines.splitlines()]


async def joined(storage: Storage, home: Home, through: int = cut(99)) -> list[str | None]:
    return ids(b"".join([lines async for lines in log_reading.committed(storage, home, through)]))


def expected(runs: int) -> list[str]:
    return [f"e{number}" for number in range(2 * runs)]


async def traced(storage: Storage, home: Home, event_id: str) -> list[bytes]:
    """The lines of an event that a trace finds."""
    serving = Serving(home, home, storage, CONFIG)
    return [line for found in (await search._look(serving, event_id)).found for line in found.lines]


async def loose(storage: Storage, home: Home) -> list[str]:
    names = await storage.names(blob_name(home, "logs", ""))
    return [name for name in names if log_parts.kind_of(name) in (log_parts.JOINED, log_parts.LATE)]


async def check_readers(storage: Storage, home: Home, runs: int) -> None:
    """Every reader finds the lines of so many runs once, and nothing is damaged."""
    last = cut(runs - 1)
    assert await joined(storage, home, last) == expected(runs)
    for number in range(runs):
        for event_id in (f"e{2 * number}", f"e{2 * number + 1}", f"nobody-{number}"):
            assert len(await traced(storage, home, event_id)) == 1, event_id
        since = b"".join([one async for one in log_reading.committed(storage, home, cut(number), cut(number))])
        assert ids(since) == expected(runs)[2 * number : 2 * number + 2]
        for line in range(2):
            place = Place(log_reading.file_name(run_name(cut(number))), line)
            onwards = [one async for one in log_reading.onwards(storage, home, place, last, imported=True)]
            assert onwards[0][0] == place
            assert ids(b"".join(lines for _, lines in onwards)) == expected(runs)[2 * number + line :]
    assert damaged_logs.met(home) == {}


async def merged(storage: Storage, home: Home) -> list[str]:
    """The merged blobs that count."""
    state = (await commits.load(storage, home)).checkpoint
    return [one.name for one in (await merged_log.catalogue(storage, home, state)).blobs]


async def test_runs_of_a_day_are_merged_and_their_parts_deleted_a_pass_later(
    mortal: Mortal, process: MakeProcess
) -> None:
    one = process(mortal, "merged")
    await one.live(0, 3)
    assert one.trainee.merge is not None
    assert await merged(mortal, one.home) == [], "they count from a commit on"
    await check_readers(mortal, one.home, 3)
    await one.train(3)
    state = (await commits.load(mortal, one.home)).checkpoint
    assert (state.v, state.merges, len(await merged(mortal, one.home))) == (5, 1, 2)
    await one.tidy()
    assert len(await loose(mortal, one.home)) == 8, "the first pass behind a merge deletes none of its parts"
    await check_readers(mortal, one.home, 4)
    await one.train(4)
    await one.tidy()
    assert len(await loose(mortal, one.home)) == 4
    await check_readers(mortal, one.home, 5)
    await one.live(5, RUNS + 1)
    await check_readers(mortal, one.home, RUNS + 1)
    lengths = [len(await log_parts._merged_parts(mortal, name, "")) for name in await merged(mortal, one.home)]
    assert lengths == [3, 3, 2, 2, 3, 3], "a day ends a blob"
    assert len(await loose(mortal, one.home)) < 10


async def test_a_merged_log_is_a_gzip_file_of_all_its_lines(mortal: Mortal, process: MakeProcess) -> None:
    one = process(mortal, "gzip")
    await one.live(0, 5)
    blobs = [await mortal.read(name) for name in await merged(mortal, one.home)]
    joined, late = (gzip.decompress(blob.data) for blob in blobs if blob is not None)
    assert ids(joined) == expected(3)
    assert late.count(b"\n") == 3


@pytest.mark.parametrize(
    "kill", [pytest.param(kill, marks=[] if kill % 4 == 0 else pytest.mark.soak) for kill in range(KILLS)]
)
async def test_a_process_that_ends_at_any_write_changes_no_line(
    mortal: Mortal, process: MakeProcess, kill: int
) -> None:
    """Among them those of a merge, of the commit that names it, and the deletions of its parts."""
    loop = f"killed-{kill}"
    one, mortal.left = process(mortal, loop), WRITES - KILLS + kill
    number = await one.live_until_killed()
    mortal.left = math.inf
    reached = (await commits.load(mortal, one.home)).checkpoint.cut
    known = sum(reached >= cut(done) for done in range(LIFE))
    assert known in (number, number + 1)
    await check_readers(mortal, one.home, known)
    await process(mortal, loop).live(number, LIFE + 3)
    await check_readers(mortal, one.home, LIFE + 3)
    state = (await commits.load(mortal, one.home)).checkpoint
    assert (state.counts.skipped, state.counts.orphans) == (2 * (LIFE + 3), LIFE + 3)
    names = await mortal.names(blob_name(one.home, "logs", ""))
    others = {name for name in names if merged_log.is_merged(name)}.difference(await merged(mortal, one.home))
    assert all(merged_log.Merged(name).merge > state.merges for name in others), "what can never count is deleted"


async def test_the_kills_above_come_at_every_write_of_a_life(mortal: Mortal, process: MakeProcess) -> None:
    one = process(mortal, "whole")
    await one.live(0, LIFE)
    assert len(mortal.writes) == WRITES
    assert len(await merged(mortal, one.home)) == 2
    assert len(await loose(mortal, one.home)) == 2 * (LIFE - 3)


async def test_who_listed_the_log_before_a_merge_reads_it_to_its_end(mortal: Mortal, process: MakeProcess) -> None:
    """Also when the parts are deleted before it comes to them."""
    one = process(mortal, "listed")
    await one.live(0, 2)
    await one.train(2)
    reading = log_reading.committed(mortal, one.home, cut(99))
    first = ids(await anext(reading))
    await one.live(3, RUNS)
    assert len(await loose(mortal, one.home)) < 10
    rest = b"".join([lines async for lines in reading])
    assert first + ids(rest) == expected(RUNS)


async def test_two_trainers_that_merge_at_once_lose_nothing(mortal: Mortal, process: MakeProcess) -> None:
    one, other = process(mortal, "two"), process(mortal, "two")
    for number in range(RUNS):
        await one.train(number)
        await asyncio.gather(one.tidy(), other.tidy())
        one, other = other, one
    await one.live(RUNS, RUNS + 3)
    await check_readers(mortal, one.home, RUNS + 3)


async def test_a_deleted_log_does_not_come_back(mortal: Mortal, process: MakeProcess) -> None:
    """By a merge that was stored before it was deleted, or while it was, or that counted already."""
    one = process(mortal, "deleted")
    await one.live(0, 3)
    assert one.trainee.merge is not None
    await logs.delete(Serving("deleted", one.home, mortal, CONFIG))
    await one.train(3)
    assert await merged(mortal, one.home) == []
    assert await joined(mortal, one.home) == expected(4)[6:]
    await one.live(4, RUNS)
    assert await joined(mortal, one.home) == expected(RUNS)[6:]
    await logs.delete(Serving("deleted", one.home, mortal, CONFIG))
    assert await mortal.names(blob_name(one.home, "logs", "")) == []
    assert await joined(mortal, one.home) == []


async def test_what_was_stored_of_a_merge_that_never_counts_is_deleted(mortal: Mortal, process: MakeProcess) -> None:
    one = process(mortal, "never")
    await one.live(0, 3)
    late = merged_log.name_of(
        log_name(one.home, cut(2), "late"), log_name(one.home, cut(0), "late"), 1, "0123456789abcdef"
    )
    soon = late.replace(".1-", ".2-")
    await mortal.put(late, b"x")
    await mortal.put(soon, b"x")
    await one.train(3)
    await retention.sweep(mortal, one.home, -1)
    names = await mortal.names(blob_name(one.home, "logs", ""))
    assert (late in names, soon in names) == (False, True), "the next merge may still name what it has stored"


@pytest.mark.parametrize("damage", [None, b"", b"[]"])
async def test_without_its_catalogue_the_names_of_merged_logs_tell_what_is_in_them(
    mortal: Mortal, process: MakeProcess, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    one = process(mortal, f"catalogue-{len(damage or b'-')}")
    await one.live(0, 8)
    for name in await mortal.names(blob_name(one.home, "merged", "")):
        await (mortal.delete(name) if damage is None else mortal.put(name, damage))
    await check_readers(mortal, one.home, 8)
    assert "of merged logs cannot be used" in caplog.text
    await one.live(8, RUNS + 4)
    caplog.clear()
    await check_readers(mortal, one.home, RUNS + 4)
    assert caplog.text == "", "the next merge has stored another"


async def test_a_damaged_table_hides_its_blob_and_nothing_else(
    mortal: Mortal, process: MakeProcess, caplog: pytest.LogCaptureFixture
) -> None:
    one = process(mortal, "table")
    await one.live(0, 8)
    name = next(name for name in await merged(mortal, one.home) if name.endswith(".dsjson.gz"))
    blob = await mortal.read(name)
    assert blob is not None
    await mortal.put(name, blob.data[:20] + bytes([blob.data[20] ^ 1]) + blob.data[21:])
    assert await joined(mortal, one.home) == expected(8)[6:]
    assert f"The log {name} is damaged" in caplog.text
    assert (await search._look(Serving("table", one.home, mortal, CONFIG), "e0")).unread == [name]
    assert list(await logs.properties(Serving("table", one.home, mortal, CONFIG))) == ["dateRange"]


async def test_a_damaged_run_hides_nothing_of_those_that_it_was_merged_with(
    mortal: Mortal, process: MakeProcess
) -> None:
    """It is as damaged as it was in a blob of its own, and a blob that is cut short has what is in front of that."""
    one = process(mortal, "run")
    for number in range(3):
        await one.train(number)
    name = log_name(one.home, cut(1), "joined")
    blob = await mortal.read(name)
    assert blob is not None
    await mortal.put(name, blob.data[:-5] + b"damag")
    await one.tidy()
    await one.live(3, 8)
    assert await joined(mortal, one.home) == expected(1) + expected(8)[4:]
    assert list(damaged_logs.met(one.home)) == [f"{run_name(cut(1))}.dsjson.gz"]
    damaged_logs.forget(one.home)
    whole = next(name for name in await merged(mortal, one.home) if name.endswith(".dsjson.gz"))
    blob, third = await mortal.read(whole), (await log_parts._merged_parts(mortal, whole, "dsjson.gz"))[2]
    assert blob is not None
    for end in (third.offset + 9, third.offset):
        await mortal.put(whole, blob.data[:end])
        assert await joined(mortal, one.home) == expected(1) + expected(8)[6:]
        assert third.file in damaged_logs.met(one.home)
        damaged_logs.forget(one.home)


async def test_imports_stay_where_they_are_among_merged_runs(mortal: Mortal, process: MakeProcess) -> None:
    """Their order in the log is that of their names, as before: so a model that is learned anew is the same."""
    one = process(mortal, "imports")
    for at in (cut(1), cut(1) + 1, cut(3) - 1, cut(6)):
        name = log_reading.imported_name(one.home, at, f"{at % 1000:016x}")
        await mortal.put(name, gzip.compress(b'{"EventId":"import-%d"}\n' % at))
    for number in range(8):
        await one.train(number)
    before = await joined(mortal, one.home)
    assert len(before) == 20
    await one.live(8, 12)
    assert len(await merged(mortal, one.home)) >= 6
    assert await joined(mortal, one.home, cut(7)) == before
    hour = cut(0) // log_reading.HOUR_MS * log_reading.HOUR_MS
    around = b"".join([lines async for lines in log_reading.around(mortal, one.home, hour)])
    assert ids(around) == [one for one in await joined(mortal, one.home) if one != f"import-{cut(6)}"]


async def test_the_ends_of_a_merged_log_are_told_and_its_last_lines(mortal: Mortal, process: MakeProcess) -> None:
    one = process(mortal, "ends")
    serving = Serving("ends", one.home, mortal, CONFIG)
    for number in range(3):
        await one.train(number)
    before = await logs.properties(serving), await logs.recent(serving, 3)
    await one.tidy()
    state = await commits.load(mortal, one.home)
    merge = one.trainee.merge
    assert merge is not None
    changed = msgspec.structs.replace(state.checkpoint, merges=merge.merges, merged=merge.merged)
    await commits.save(mortal, one.home, state, changed)
    for name in await loose(mortal, one.home):
        await mortal.delete(name)
    assert (await logs.properties(serving), await logs.recent(serving, 3)) == before


async def test_a_turn_is_bounded_and_what_is_large_is_left_alone(
    mortal: Mortal, process: MakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = process(mortal, "turns")
    for number in range(RUNS):
        await one.train(number)
    monkeypatch.setattr(log_merging, "RUNS_AT_ONCE", 4)
    first = await log_merging.prepare(mortal, one.home)
    assert first is not None
    names = [name for name in await mortal.names(blob_name(one.home, "logs", "")) if merged_log.is_merged(name)]
    assert [name.endswith(".dsjson.gz") for name in names] == [True, True]
    largest = max(part.size for part in await mortal.listed(blob_name(one.home, "logs", "")))
    monkeypatch.setattr(log_merging, "LARGEST", largest // 10)
    assert await log_merging.prepare(mortal, one.home) is None


async def test_loops_have_their_turns_and_one_that_fails_hinders_no_other(
    mortal: Mortal, process: MakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops = [process(mortal, f"turn-{number}") for number in range(3)]
    for one in loops:
        for number in range(3):
            await one.train(number)
    await mortal.put(blob_name(loops[0].home, "checkpoint.json"), checkpoint.encode(Checkpoint(v=999)))
    chores = Housekeeping(mortal)
    chores.start([one.trainee for one in loops])
    await chores.done()
    assert [one.trainee.merge is not None for one in loops] == [False, True, True]
    await chores.close()
