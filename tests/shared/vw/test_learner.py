"""The training process gets its events whatever event loop the host runs on."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop
from harness.system import wait_until

from shared.vw.learner import Learner
from shared.vw.learning import TrainingRefused
from shared.vw.policy import EARLIER_ARGUMENTS
from shared.vw.zygote import Zygote

EVENT = {
    "_label_cost": -1,
    "_label_probability": 0.5,
    "_labelIndex": 0,
    "a": [1, 2],
    "p": [0.5, 0.5],
    "c": {"FromUrl": [{"day": 1}], "_multi": [{"i": {"constant": 1, "id": "x"}}, {"i": {"constant": 1, "id": "y"}}]},
}
LINES = json.dumps(EVENT).encode() + b"\n"

on_every_event_loop = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])


def run(new_loop: Callable[[], asyncio.AbstractEventLoop], arguments: str, lines: bytes, folder: Path) -> Learner:
    async def learn() -> Learner:
        async with Zygote() as zygote:
            learner = await Learner.start(zygote, arguments, None, folder)
            try:
                for _ in range(20):
                    await learner.feed(lines)
                await learner.finish()
            finally:
                await learner.kill()
            return learner

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(learn())


@on_every_event_loop
def test_a_batch_becomes_a_model(new_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path) -> None:
    learner = run(new_loop, EARLIER_ARGUMENTS, LINES, tmp_path)
    assert learner.model.stat().st_size > learner.predict.stat().st_size > 0


@on_every_event_loop
def test_a_process_that_ends_early_says_why(new_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path) -> None:
    with pytest.raises(TrainingRefused, match="no-such-option"):
        run(new_loop, "--no-such-option", LINES * 2_000, tmp_path)


def test_events_that_vw_crashes_on_are_refused_rather_than_tried_again(tmp_path: Path) -> None:
    crashing = LINES.replace(b'{"i"', b'{"_label":"0:1:.5","i"', 1)
    with pytest.raises(TrainingRefused, match="ended with SIG"):
        run(asyncio.new_event_loop, EARLIER_ARGUMENTS, crashing, tmp_path)


@pytest.fixture
async def zygote() -> AsyncIterator[Zygote]:
    async with Zygote() as zygote:
        yield zygote


async def test_learners_at_once_end_each_for_itself(zygote: Zygote, tmp_path: Path) -> None:
    crashing = LINES.replace(b'{"i"', b'{"_label":"0:1:.5","i"', 1)
    learners = []
    for number in range(4):
        (folder := tmp_path / str(number)).mkdir()
        learners.append(await Learner.start(zygote, EARLIER_ARGUMENTS, None, folder))
    for learner, lines in zip(learners, (LINES, crashing, LINES, LINES), strict=True):
        await learner.feed(lines * 20)
    await learners[3].kill()
    with pytest.raises(TrainingRefused, match="ended with SIG"):
        await learners[1].finish()
    await learners[0].finish()
    await learners[2].finish()
    assert learners[0].predict.read_bytes() == learners[2].predict.read_bytes()
    assert not learners[3].predict.exists()


async def test_a_zygote_that_was_killed_takes_its_learners_with_it_and_is_replaced(
    zygote: Zygote, tmp_path: Path
) -> None:
    lost = await Learner.start(zygote, EARLIER_ARGUMENTS, None, tmp_path)
    assert zygote.pid is not None
    os.kill(zygote.pid, signal.SIGKILL)
    with pytest.raises(OSError, match="status -9"):
        await lost.finish()
    again = await Learner.start(zygote, EARLIER_ARGUMENTS, None, tmp_path)
    await again.feed(LINES)
    await again.finish()


def test_learners_end_with_the_process_that_ordered_them(tmp_path: Path) -> None:
    script = f"""
import asyncio, os, signal
from pathlib import Path
from shared.vw.learner import Learner
from shared.vw.zygote import Zygote

async def main():
    zygote = Zygote()
    learner = await Learner.start(zygote, {EARLIER_ARGUMENTS!r}, None, Path({str(tmp_path)!r}))
    print(zygote.pid, learner.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL
    processes = [int(process) for process in done.stdout.split()]
    assert len(processes) == 2
    wait_until(lambda: not any(map(runs, processes)), "they have ended")


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
