"""What the overview of a loop is made of."""

import asyncio

import msgspec

from shared.dashboard import figures, histories, standing
from shared.dashboard.history import History
from shared.dashboard.page import Call
from shared.dashboard.standing import Check, Standing
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LearningMode, LoopConfig
from shared.loops.reward_sums import DELAYS_MS
from shared.monitoring import blobs


class ModelNow(msgspec.Struct, frozen=True, rename="camel"):
    """The model that serves. learned: events that it knows; waiting: that it still has to learn."""

    version: str
    created: str
    learned: int | None
    waiting: int
    is_learning_anew: bool


class Change(msgspec.Struct, frozen=True):
    """Something that was changed. at: ms since 1970."""

    at: int
    what: str
    undoable: bool = False


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
    config, state, told, alarms = await asyncio.gather(
        loop.read_config(),
        loop.read_checkpoint(),
        blobs.told(loop.storage, loop.home),
        blobs.alarms(loop.storage, loop.home),
    )
    found = await histories.known(loop, state, call.given.get("period"), call.given.get("by"))
    judged = standing.of(told.value)
    if judged is None:  # the evaluator has not come to it yet
        judged = standing.judged((await histories.read(loop, None, None)).summary, state, config.mode)
    return Overview(
        loop=loop.loop,
        mode=config.mode,
        standing=judged,
        checks=standing.checks(alarms.value),
        model=model_of(state),
        changes=_changes(config, state),
        delays=_delays(state),
        history=found,
        through=found.through,
    )


def _changes(config: LoopConfig, state: Checkpoint) -> list[Change]:
    """The newest first, as far as they are known."""
    found = []
    if state.model is not None:
        found.append(Change(round(state.model.born * 1000), f"Model {state.model.version} published"))
    if state.replaced is not None:
        found.append(Change(state.replaced.at, "The model was replaced", undoable=True))
    if config.replaced is not None:
        found.append(Change(config.replaced.at, f"Policy {config.policy.name} put into effect", undoable=True))
    edited = figures.parsed(config.edited)
    if edited is not None and edited > 0:
        found.append(Change(edited, "Settings changed"))
    return sorted(found, key=lambda one: -one.at)
