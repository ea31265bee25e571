"""The training process gets its events whatever event loop the host runs on."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from shared.vw.learner import Learner, TrainingRefused
from shared.vw.policy import DEFAULT_ARGUMENTS

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
        learner = await Learner.start(arguments, None, folder)
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
    learner = run(new_loop, DEFAULT_ARGUMENTS, LINES, tmp_path)
    assert learner.model.stat().st_size > learner.predict.stat().st_size > 0


@on_every_event_loop
def test_a_process_that_ends_early_says_why(new_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path) -> None:
    with pytest.raises(TrainingRefused, match="no-such-option"):
        run(new_loop, "--no-such-option", LINES * 2_000, tmp_path)


def test_events_that_vw_crashes_on_are_refused_rather_than_tried_again(tmp_path: Path) -> None:
    crashing = LINES.replace(b'{"i"', b'{"_label":"0:1:.5","i"', 1)
    with pytest.raises(TrainingRefused, match="ended with SIG"):
        run(asyncio.new_event_loop, DEFAULT_ARGUMENTS, crashing, tmp_path)
