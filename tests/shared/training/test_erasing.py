"""Which erasures a trainer works, and when: one that cannot be worked holds up neither another loop nor training."""

import asyncio

import msgspec
import pytest
from harness.trained import Deployment, trainer

from shared.hubs.reader_pairs import Heads
from shared.loops import erasures
from shared.loops.erasures import Erasure, Wanted
from shared.serving.service import Service
from shared.training.erasure import ErasureWork
from shared.training.trainee import Trainee
from shared.training.trainer import Trainer

WANTED = [Wanted(event_id="secret")]
NAME = erasures.digest("request")


@pytest.fixture
def deployed(parts: Service) -> Deployment:
    return Deployment(parts)


async def ask(deployed: Deployment, loop: str) -> None:
    asked = Erasure("request", WANTED, "", erasures.selected(WANTED), everything=True)
    await erasures.create(deployed.storage, deployed.home(loop), asked)


async def is_done(deployed: Deployment, loop: str) -> bool:
    found = await erasures.read(deployed.storage, deployed.home(loop), NAME)
    return found is not None and found.erasure.state == "done"


async def ticks(deployed: Deployment, one: Trainer, loop: str) -> None:
    """Until the erasure of a loop is done."""
    async with asyncio.timeout(20):
        while not await is_done(deployed, loop):
            await one.tick()
            await asyncio.sleep(0.05)


async def test_one_that_cannot_be_read_stops_nobody(deployed: Deployment, parts: Service) -> None:
    await deployed.make("bad", "good")
    for loop in ("bad", "good"):
        await deployed.rank("secret", "event", loop=loop)
        await ask(deployed, loop)
    name = next(name for name in await deployed.blobs("bad", "erasures/") if name.endswith(f"{NAME}.json"))
    await deployed.storage.put(name, b"{")
    async with trainer(parts) as one:
        await ticks(deployed, one, "good")
        await one.tick()
    assert len(await deployed.joined("bad")) == 2
    assert list(await deployed.joined("good")) == ["event"]


async def test_long_and_failing_ones_let_others_by(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops, step, ends = ["a-long", "b-failing", "c", "d"], ErasureWork.step, asyncio.Event()
    await deployed.make(*loops)
    for loop in loops:
        await ask(deployed, loop)

    async def stepped(self: ErasureWork) -> bool:
        if self._trainee.loop == "a-long":
            await ends.wait()
        if self._trainee.loop == "b-failing":
            raise RuntimeError("it fails")
        return await step(self)

    monkeypatch.setattr(ErasureWork, "step", stepped)
    async with trainer(parts) as one:
        for loop in ("c", "d"):
            await ticks(deployed, one, loop)
        assert not await is_done(deployed, "a-long")
        ends.set()
        await ticks(deployed, one, "a-long")


async def test_it_begins_while_another_loop_catches_up(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployed.make("behind", "other")
    monkeypatch.setattr(Trainee, "has_to_catch_up", property(lambda self: self.loop == "behind"))

    async def catch_up(self: Trainer, joining: list[Trainee], began: float) -> None:
        await ask(deployed, "other")
        async with asyncio.timeout(20):
            while not await is_done(deployed, "other"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    monkeypatch.setattr(Trainer, "_catch_up", catch_up)
    async with trainer(parts) as one:
        await one.tick()
    assert await is_done(deployed, "other")


async def test_a_loop_that_falls_behind_joins_those_that_catch_up(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one has caught up only once the second one, which falls behind meanwhile, was served."""
    await deployed.make("first", "second")
    behind, served = {"first"}, list[str]()
    monkeypatch.setattr(Trainee, "has_to_catch_up", property(lambda self: self.loop in behind))

    async def serve(group: list[Trainee], heads: Heads) -> list[Trainee]:
        await asyncio.sleep(0.05)
        for one in group:
            served.append(one.loop)
            one.checkpoint = msgspec.structs.replace(one.checkpoint, cut=one.checkpoint.cut + 1, committed=len(served))
        if "second" in served:
            behind.clear()
        elif len(served) == 2:
            behind.add("second")
        return []

    async def heads(due: list[Trainee]) -> Heads:
        return Heads(0.0, [], [])

    async def nothing(due: list[Trainee], began: float) -> None:
        await asyncio.sleep(0)

    async with trainer(parts) as one, asyncio.timeout(20):
        monkeypatch.setattr(one, "_serve", nothing)
        monkeypatch.setattr(one._late, "serve", serve)
        monkeypatch.setattr(one._late, "heads", heads)
        await one.tick()
        assert "second" in served
        assert not [trainee.loop for trainee in one._trainees.values() if trainee.is_busy]
