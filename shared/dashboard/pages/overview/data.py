"""What the overview of a loop is made of."""

import asyncio

import msgspec

from shared.dashboard import histories, standing
from shared.dashboard.history import History
from shared.dashboard.page import Call
from shared.dashboard.pages.overview import changes
from shared.dashboard.pages.overview.changes import Change
from shared.dashboard.standing import Check, Standing
from shared.loops import chronicle
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LearningMode
from shared.loops.reward_sums import DELAYS_MS
from shared.monitoring import blobs


class ModelNow(msgspec.Struct, frozen=True, rename="camel"):
    """The model that serves. learned: events that it knows; waiting: that it still has to learn."""

    version: str
    created: str
    learned: int | None
    waiting: int
    is_learning_anew: bool


class Overview(msgspec.Struct, frozen=True):
    """delays: on-time rewards since the loop began by how long they took: (seconds at most, how many)."""

    loop: str
    mode: LearningMode
    standing: Standing
    checks: list[Check]
    model: ModelNow | None
    changes: list[Change]
    delays: list[tuple[float | None, int]]
    history: History
    through: int


def model_of(state: Checkpoint) -> ModelNow | None:
    """None before the first one."""
    if state.model is None:
        return None
    waiting = state.backlog.events if state.backlog is not None else 0
    learned = state.model.learned
    return ModelNow(state.model.version, state.model.created, learned, waiting, state.draft is not None)


def _delays(state: Checkpoint) -> list[tuple[float | None, int]]:
    ends = [*(at / 1000 for at in DELAYS_MS), None]
    return list(zip(ends, state.statistics.delays, strict=True))


async def load(call: Call) -> Overview:
    """Everything on the page."""
    loop = call.of

    async def lived() -> tuple[Checkpoint, History]:  # beside the others: it reads most, one after the other
        state = await loop.read_checkpoint()
        return state, await histories.known(loop, state, call.given.get("period"), call.given.get("by"))

    (state, found), config, told, alarms, entries = await asyncio.gather(
        lived(),
        loop.read_config(),
        blobs.told(loop.storage, loop.home),
        blobs.alarms(loop.storage, loop.home),
        chronicle.entries(loop.storage, loop.home),
    )
    judged = standing.of(told.value)
    if judged is None:  # the evaluator has not come to it yet
        judged = standing.judged((await histories.read(loop, None, None)).summary, state, config.mode)
    return Overview(
        loop=loop.loop,
        mode=config.mode,
        standing=judged,
        checks=standing.checks(alarms.value),
        model=model_of(state),
        changes=changes.known(entries, config, state),
        delays=_delays(state),
        history=found,
        through=found.through,
    )
