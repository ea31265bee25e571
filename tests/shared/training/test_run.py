"""One loop's part in a pass, fed by hand: what it stores, what it passes over, and when it gives way."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from harness.learning import PLAIN, decide, interaction

from shared.auth import Keys
from shared.hubs import events
from shared.hubs.events import Observation
from shared.hubs.reader import Message
from shared.loops import commits
from shared.loops.blob_names import run_name
from shared.loops.commits import Stored
from shared.loops.config import LoopConfig
from shared.loops.counts import Counts
from shared.loops.registry import Registry
from shared.storage import Conflict, Storage
from shared.training import planning
from shared.training.run import Run
from shared.training.trainee import Trainee
from shared.vw.learners import Learners

CUT = 1_700_000_000_000
CONFIG = LoopConfig(wait=10.0, retention_days=-1)


class Loop:
    """A loop and the single partitions of its hubs, whose messages hold an event each."""

    def __init__(self, storage: Storage, folder: Path, learners: Learners) -> None:
        self.storage, self._folder, self._learners = storage, folder, learners
        self.ranks: list[Message] = []
        self.rewards: list[Message] = []

    def rank(self, event_id: str, at: int) -> None:
        made = interaction(decide(PLAIN[0] | {"eventId": event_id}), deferred=True)
        self.ranks.append(Message(at, 0, len(self.ranks), events.encode(made)))

    def reward(self, event_id: str, at: int, value: float) -> None:
        made = Observation(1, "default", event_id, events.now(), "reward", events.nonce(), value)
        self.rewards.append(Message(at, 0, len(self.rewards), events.encode(made)))

    async def trainee(self) -> Trainee:
        """As a process knows it that has just looked at it."""
        trainee = Trainee("default", "", CONFIG)
        await trainee.look(self.storage, Registry(self.storage, Keys()), CUT)
        return trainee

    async def begun(self, trainee: Trainee, cut: int) -> Run:
        """A run that has read everything up to the heads, those that it should pass over too."""
        heads = planning.Heads(0.0, [len(self.ranks) - 1], [len(self.rewards) - 1])
        before = planning.realigned(trainee.checkpoint, *heads[1:])
        plan = before.plan or planning.plan(cut, heads, CONFIG)
        folder = self._folder / f"{id(trainee)}-{plan.run}"
        run = Run(self.storage, trainee, before, plan, folder, self._learners)
        await run.begin()
        for message in self.rewards[: plan.observations[0] + 1]:
            run.observe(message, events.decode_observation(message.body), message.body)
        for message in self.closing(run):
            if run.close_interaction(message, events.decode_interaction(message.body), message.body):
                await run.flush()
        return run

    def closing(self, run: Run) -> list[Message]:
        return [one for one in self.ranks[: run.plan.interactions[0] + 1] if one.at <= run.plan.cut]

    async def end(self, run: Run) -> None:
        try:
            await run.end([len(self.closing(run)) - 1])
        finally:
            await run.close()

    async def train(self, trainee: Trainee, cut: int) -> None:
        await self.end(await self.begun(trainee, cut))

    async def stored(self) -> Stored:
        return await commits.load(self.storage, (await self.trainee()).home)

    async def logs(self) -> list[str]:
        """The joined logs."""
        names = await self.storage.names("loops/default/logs/")
        return [name.rpartition("/")[2] for name in names if name.endswith(".dsjson.gz")]


@pytest.fixture
def loop(storage: Storage, tmp_path: Path, learners: Learners) -> Loop:
    return Loop(storage, tmp_path, learners)


async def test_what_a_run_has_joined_the_next_one_passes_over(loop: Loop) -> None:
    loop.rank("1", CUT - 5)
    loop.rank("2", CUT + 5)
    loop.reward("1", CUT, 0.5)
    loop.reward("2", CUT + 6, 0.5)
    trainee = await loop.trainee()
    await loop.train(trainee, CUT)
    first = (await loop.stored()).checkpoint
    assert first.counts == Counts(skipped=1, matched=1)
    assert (first.cut, first.interactions, first.observed, first.observations) == (CUT, [0], [1], [0])
    await loop.train(trainee, CUT + 10)
    second = (await loop.stored()).checkpoint
    assert second.counts == Counts(skipped=2, matched=2)
    assert (second.cut, second.interactions, second.observations) == (CUT + 10, [1], [1])
    assert await loop.logs() == [f"{run_name(cut)}.dsjson.gz" for cut in (CUT, CUT + 10)]


async def test_another_process_goes_on_where_the_first_one_was(loop: Loop) -> None:
    loop.rank("1", CUT - 5)
    loop.reward("2", CUT, 0.5)
    await loop.train(await loop.trainee(), CUT)
    loop.rank("2", CUT + 5)
    loop.rank("1", CUT + 6)
    await loop.train(await loop.trainee(), CUT + 10)
    assert (await loop.stored()).checkpoint.counts == Counts(skipped=2, matched=1, duplicate_ranks=1)


async def test_a_run_that_is_overtaken_commits_nothing(loop: Loop) -> None:
    loop.rank("1", CUT - 5)
    slow, fast = await loop.trainee(), await loop.trainee()
    run = await loop.begun(slow, CUT)
    await loop.train(fast, CUT + 1)
    stored = await loop.stored()
    with pytest.raises(Conflict):
        await loop.end(run)
    assert await loop.stored() == stored
    assert await loop.logs() == [f"{run_name(CUT + 1)}.dsjson.gz"]
    again = await loop.trainee()
    await loop.train(again, CUT + 2)
    assert (await loop.stored()).checkpoint.counts == Counts(skipped=1)


async def test_a_plan_that_is_executed_twice_at_once_is_committed_once(loop: Loop) -> None:
    loop.rank("1", CUT - 5)
    trainee = await loop.trainee()
    plan = planning.plan(CUT, planning.Heads(0.0, [0], [-1]), CONFIG)
    state = msgspec.structs.replace(trainee.checkpoint, plan=plan, interactions=[-1], observations=[-1], observed=[-1])
    await commits.save(loop.storage, trainee.home, Stored(state, None), state)
    loop.rank("2", CUT - 4)
    runs = [await loop.begun(await loop.trainee(), CUT + 9) for _ in range(2)]
    ended = await asyncio.gather(*(loop.end(run) for run in runs), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["Conflict", "NoneType"]
    assert (await loop.stored()).checkpoint.counts == Counts(skipped=1)
    assert await loop.logs() == [f"{run_name(CUT)}.dsjson.gz"]


async def test_a_run_that_finds_nothing_is_remembered_and_not_written(loop: Loop) -> None:
    loop.rank("1", CUT - 5)
    trainee = await loop.trainee()
    await loop.train(trainee, CUT)
    stored, names = await loop.stored(), await loop.storage.names("")
    await loop.train(trainee, CUT + 10)
    assert trainee.checkpoint.cut == CUT + 10
    assert await loop.stored() == stored
    assert await loop.storage.names("") == names
    loop.rank("2", CUT + 11)
    await loop.train(trainee, CUT + 20)
    assert (await loop.stored()).checkpoint.counts == Counts(skipped=2)


async def test_a_run_that_is_broken_off_leaves_no_trace(loop: Loop) -> None:
    loop.rank("1", CUT - 5)
    loop.reward("1", CUT, 0.5)
    trainee = await loop.trainee()
    await (await loop.begun(trainee, CUT)).close()
    assert await loop.storage.names("") == []
    trainee.forget()
    await loop.train(trainee, CUT + 1)
    assert (await loop.stored()).checkpoint.counts == Counts(skipped=1, matched=1)
