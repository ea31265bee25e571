"""An erasure by a trainer that is killed at random instants leaves the log, the index, the summaries and the model that
an undisturbed one leaves. ERASED_OF: how many events the log has, 60,000 by default; one in a thousand goes."""

import asyncio
import os
import random
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from harness.servers import Servers
from harness.trained import AT_ONCE, Deployment, trainer

from benchmarks import erasure as made
from benchmarks import parts as benchmark_parts
from shared.joined_log import index_search, outlook, part_reading
from shared.joined_log.part_reading import EVERY_IMPORT, Wanted
from shared.loops import commits, erasures, summaries, summary
from shared.loops.erasures import Erasure
from shared.loops.model_records import Draft, Place
from shared.loops.summary import DAY_MS
from shared.serving.service import Service
from shared.settings import load
from shared.storage import Storage

CONFIG = msgspec.structs.replace(benchmark_parts.EARLIER, wait=AT_ONCE.wait, export=AT_ONCE.export)
WHOLE, KILLED = "whole", "killed"
PERSON = [erasures.Wanted(feature="user.id", value=made.PERSON)]
NAME = erasures.digest("request")
TRAINER = """
import asyncio, os
from shared.serving.service import Service
from shared.settings import load
from shared.training.trainer import Trainer

async def main():
    one = Trainer(Service(load(os.environ)))
    while True:
        await one.tick()
        await asyncio.sleep(0.02)

asyncio.run(main())
"""


@pytest.fixture
def environment(environment: dict[str, str], servers: Servers) -> dict[str, str]:
    return environment | servers.hubs()


@pytest.fixture
async def parts(environment: dict[str, str]) -> AsyncIterator[Service]:
    service = Service(load(environment))
    yield service
    await service.close()


@pytest.fixture
def deployed(parts: Service) -> Deployment:
    return Deployment(parts)


async def fill(deployed: Deployment, count: int) -> None:
    """Two loops with the same log, whose models are learned from it."""
    await deployed.make(WHOLE, KILLED, config=CONFIG)
    await made.fill(deployed.storage, count, deployed.home(WHOLE))
    source, target = str(deployed.home(WHOLE)), str(deployed.home(KILLED))
    for name, data in (await deployed.blobs(WHOLE)).items():
        await deployed.storage.put(name.replace(source, target), data)
    for loop in (WHOLE, KILLED):
        known = await commits.load(deployed.storage, deployed.home(loop))
        draft = Draft(CONFIG.arguments, outlook.settings_of(CONFIG), 0, Place(""))
        changed = msgspec.structs.replace(known.checkpoint, draft=draft)
        await commits.save(deployed.storage, deployed.home(loop), known, changed)


async def learned(deployed: Deployment, *loops: str) -> None:
    async with trainer(deployed.parts) as one:
        while any([(await deployed.checkpoint(loop)).draft for loop in loops]):
            await one.tick()


async def is_done(deployed: Deployment, loop: str) -> bool:
    found = await erasures.read(deployed.storage, deployed.home(loop), NAME)
    return found is not None and found.erasure.state == "done"


async def killed(environment: dict[str, str], seconds: float) -> None:
    """A trainer's process lives for some time."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TRAINER, env=os.environ | environment, stderr=asyncio.subprocess.DEVNULL
    )
    await asyncio.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    await process.wait()


async def left(storage: Storage, deployed: Deployment, loop: str) -> list[object]:
    """The log as it is stored, part by part; where the index has events; the summaries; the model; the counts."""
    home, found = deployed.home(loop), list[object]()
    with tempfile.TemporaryDirectory() as folder:
        async for one in part_reading.fetched(storage, home, Path(folder), Wanted("", "~", EVERY_IMPORT)):
            length = one.part.length
            data = one.file.read_bytes()[one.offset :]
            found.append((one.part.file, data if length is None else data[:length]))
    for number in range(0, 2_000, 7):
        found.append((await index_search.find(storage, home, f"event-{number:08d}")).places)
    state = await deployed.checkpoint(loop)
    first = state.cut - state.cut % DAY_MS - 30 * DAY_MS
    found.append(summary.encode((await summaries.over(storage, home, first, first + 31 * DAY_MS)).summary))
    assert state.model is not None
    return [*found, state.model.trainer.sha256, state.model.predict.sha256, state.model.learned, state.counts]


@pytest.mark.parametrize(
    ("count", "kills"),
    [(6_000, 2), pytest.param(int(os.environ.get("ERASED_OF", "60000")), 20, marks=pytest.mark.soak)],
)
async def test_a_trainer_that_is_killed_leaves_the_same(
    deployed: Deployment, environment: dict[str, str], parts: Service, count: int, kills: int
) -> None:
    await fill(deployed, count)
    await learned(deployed, WHOLE, KILLED)
    before = [await left(deployed.storage, deployed, loop) for loop in (WHOLE, KILLED)]
    assert before[0] == before[1]
    asked = Erasure("request", PERSON, "", erasures.selected(PERSON))
    clock, chance = asyncio.get_running_loop().time, random.Random(1)
    await erasures.create(deployed.storage, deployed.home(WHOLE), asked)
    begun = clock()
    async with trainer(parts) as one:
        while not await is_done(deployed, WHOLE):
            await one.tick()
    seconds = clock() - begun
    await erasures.create(deployed.storage, deployed.home(KILLED), asked)
    for _ in range(kills):
        await killed(environment, 1.0 + chance.uniform(0, seconds))
    async with trainer(parts) as one:
        while not await is_done(deployed, KILLED):
            await one.tick()
    after = [await left(deployed.storage, deployed, loop) for loop in (WHOLE, KILLED)]
    assert after[0] == after[1]
    assert after[0] != before[0]
    lines = 0
    async for _, some in part_reading.lines(deployed.storage, deployed.home(KILLED), Wanted("", "~", EVERY_IMPORT)):
        assert made.PERSON.encode() not in some
        lines += some.count(b"\n")
    assert lines == count - count // made.ONE_IN
