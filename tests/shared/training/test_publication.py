"""What a run stores, in which order, and that a run which ends at any write is repeated as if it had not begun."""

import gzip
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from harness.learning import PLAIN, decide
from harness.mortal import Mortal

from shared.hubs import events
from shared.hubs.events import Observation, key_of
from shared.hubs.reader import Message
from shared.hubs.reader_pairs import Heads
from shared.joined_log import index_search, log_reading, window_file
from shared.joined_log.join import horizon
from shared.joined_log.log_file import log_name
from shared.loops import artifacts, commits
from shared.loops.blob_names import Home, blob_name, run_name
from shared.loops.checkpoint import Checkpoint, WindowPart
from shared.loops.commits import Stored
from shared.loops.config import LoopConfig
from shared.loops.counts import Counts
from shared.rank import ranking
from shared.settings import Settings
from shared.storage import Storage, StorageUnavailable
from shared.training import memory, planning
from shared.training.run import Run
from shared.training.trainee import Trainee
from shared.vw.learners import Learners
from shared.vw.zygote import Zygote

AT = 1_700_000_000_000
CUT = AT + 1_000_000
NAME = run_name(CUT)
WRITES = 10


@pytest.fixture
async def mortal(settings: Settings) -> AsyncIterator[Mortal]:
    storage = Mortal(settings)
    yield storage
    await storage.close()


def observed(event_id: str) -> bytes:
    reward = Observation(v=1, loop="l", id=event_id, at="", kind="reward", nonce=event_id, value=0.5)
    return events.encode(reward)


def ranks(*, deferred: bool) -> list[bytes]:
    decisions = [decide(body | {"eventId": f"e{number}"}) for number, body in enumerate(PLAIN[:9])]
    return [ranking.event(one, "l", deferred=deferred) for one in decisions]


async def run(
    storage: Storage, loop: str, folder: Path, interactions: list[bytes], free: bool = True
) -> tuple[Trainee, Checkpoint]:
    """One run on what is stored of a loop, of these interactions and of rewards for the first one and an unknown one.

    free: whether there is a learner while it joins.
    """
    trainee = Trainee(loop, "", LoopConfig(retention_days=-1))
    trainee.keep(await commits.load(storage, Home(loop)))
    observations = [observed("e0"), observed("nobody's")] if interactions else []
    heads = [len(interactions) - 1], [len(observations) - 1]
    before = planning.realigned(trainee.checkpoint, *heads)
    plan = before.plan or planning.plan(CUT, Heads(0.0, *heads), trainee.config)
    async with Zygote() as zygote:
        learners = Learners(1, zygote)
        one = Run(storage, trainee, before, plan, folder, learners)
        await one.begin()
        try:
            for number, line in enumerate(observations):
                one.observe(Message(AT + 1, 0, number, line), events.decode_observation(line), line)
            if not free:
                await learners.acquire()
            for number, line in enumerate(interactions):
                if one.close_interaction(Message(AT, 0, number, line), events.decode_interaction(line), line):
                    await one.flush()
            if not free:
                learners.release()
            await one.end(heads[0])
        finally:
            await one.close()
    return trainee, (await commits.load(storage, Home(loop))).checkpoint


async def remember(storage: Storage, loop: str, folder: Path) -> dict[int, int]:
    """Stores two parts of a memory, as earlier runs of a loop would have; what is in them."""
    ends = {number: CUT + number for number in range(2)}
    parts = []
    for pair in ends.items():
        file = window_file.write(folder / str(pair[0]), [pair])
        stored = await artifacts.publish(storage, blob_name(Home(loop), "join", f"{pair[0]}.windows.gz"), file.content)
        parts.append(WindowPart(stored, file.length, file.last))
    await commits.save(storage, Home(loop), Stored(Checkpoint(), None), Checkpoint(windows=parts))
    return ends


async def test_the_plan_is_stored_first_and_what_commits_it_last(mortal: Mortal, tmp_path: Path) -> None:
    await run(mortal, "order", tmp_path / "a", ranks(deferred=True))
    copy, log = f"checkpoints/{NAME}.json", log_name(Home("order"), CUT, "joined").split("/", 2)[2]
    late, memory = log_name(Home("order"), CUT, "late").split("/", 2)[2], f"join/{NAME}.windows.gz"
    index = f"logs/index/{NAME}.{NAME}.10"
    assert mortal.writes[:2] == ["checkpoint.json", copy]
    assert mortal.writes[-2:] == [copy, "checkpoint.json"]
    between = mortal.writes[2:-2]
    assert sorted(between) == sorted([log, late, memory, index, f"summaries/runs/{NAME}.json.gz"])
    assert between.index(log) < between.index(late) < between.index(index)
    assert len(mortal.writes) < WRITES, "or a run is not ended at each of them below"


async def test_a_run_that_finds_nothing_leaves_no_trace_but_in_memory(mortal: Mortal, tmp_path: Path) -> None:
    trainee, stored = await run(mortal, "nothing", tmp_path / "a", [])
    assert (mortal.writes, stored) == ([], Checkpoint())
    assert (trainee.checkpoint.cut, trainee.etag, trainee.joiner is not None) == (CUT, None, True)


@pytest.mark.parametrize("writes", range(WRITES))
async def test_a_run_that_ended_at_any_write_is_done_once(mortal: Mortal, tmp_path: Path, writes: int) -> None:
    loop, given = f"killed-{writes}", ranks(deferred=True)
    ends = await remember(mortal, loop, tmp_path)
    mortal.left = len(mortal.writes) + writes
    try:
        await run(mortal, loop, tmp_path / "a", given)
    except StorageUnavailable:
        mortal.left = math.inf
        await run(mortal, loop, tmp_path / "b", given)
    state = (await commits.load(mortal, Home(loop))).checkpoint
    assert (state.plan, state.cut, state.interactions, state.observed) == (None, CUT, [8], [1])
    assert state.counts == Counts(skipped=9, matched=1, orphans=1)
    (part,) = state.windows
    assert part.file.name == blob_name(Home(loop), "join", f"{NAME}.windows.gz"), "it was to be merged"
    plan = planning.plan(CUT, Heads(0.0, [8], [1]), LoopConfig())
    joiner = await memory.load(mortal, Home(loop), state, plan, tmp_path)
    closed = {key_of(f"e{number}"): AT + round(LoopConfig().wait * 1000) for number in range(9)}
    assert dict(joiner.windows.items()) == {key: end for key, end in (ends | closed).items() if end >= horizon(CUT)}
    lines = b"".join([part async for part in log_reading.committed(mortal, Home(loop), CUT)])
    assert lines.count(b"\n") == 9
    late = await mortal.read(log_name(Home(loop), CUT, "late"))
    assert late is not None
    assert gzip.decompress(late.data).count(b"\n") == 1
    for event_id, is_late in (("e0", False), ("e8", False), ("nobody's", True)):
        (place,) = (await index_search.find(mortal, Home(loop), event_id)).places
        assert (place.cut, place.late) == (CUT, is_late)


async def test_rewards_without_a_rank_are_told_with_the_ids_they_had(
    mortal: Mortal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await run(mortal, "orphans", tmp_path / "a", ranks(deferred=True))
    (told,) = [record.message for record in caplog.records if "never ranked" in record.message]
    assert "of events that were never ranked: 1, such as of 'nobody's';" in told


async def test_a_model_is_stored_before_the_commit_that_names_it(mortal: Mortal, tmp_path: Path) -> None:
    """It is the same whether it was learned while the run joined, or from its file because no learner was free."""
    digests = set()
    for free in (True, False):
        loop = f"learns-{free}"
        _, state = await run(mortal, loop, tmp_path / loop, ranks(deferred=False), free)
        assert state.model is not None
        assert (state.model.version, state.counts.learned, state.counts.rewarded) == (NAME, 9, 1)
        for file in (state.model.trainer, state.model.predict):
            assert file.name.startswith(blob_name(Home(loop), "models", NAME))
            assert mortal.writes.index(file.name.split("/", 2)[2]) < len(mortal.writes) - 2
        digests.add((state.model.trainer.sha256, state.model.predict.sha256))
    assert len(digests) == 1
