"""Undo: the policy and the model that the last change of either replaced come back.

The configuration is written first, then the checkpoint. Killed in between, the policy is back, and the model is as soon
as undo is asked for again; until then the trainer may learn the log anew with that policy.
"""

import time
from typing import Literal, NamedTuple

import msgspec

from shared.admin import configuration
from shared.errors import ApiError
from shared.joined_log import outlook
from shared.loops import chronicle, commits, erasures
from shared.loops.apprentice import Apprentice
from shared.loops.checkpoint import Backlog, Checkpoint, ReplacedModel
from shared.loops.chronicle import Entry
from shared.loops.config import LoopConfig, Policy
from shared.serving.loop import Serving
from shared.storage import Conflict, StorageUnavailable

What = Literal["restored", "kept", "learnedAnew", "none"]


class PolicyBack(msgspec.Struct, frozen=True):
    """The policy in effect."""

    name: str
    arguments: str


class Undone(msgspec.Struct, frozen=True, rename="camel"):
    """What an undo has put back.

    model: `restored` if the one before is back, `kept` if the change had not replaced it yet, `learnedAnew` if it has
    to be learned from the log, `none` if there is none. events: how many that were logged since the model was replaced
    it still has to learn. model_created: when the model was made.
    """

    policy: PolicyBack
    exploration_percentage: float
    model: What
    events: int = 0
    model_created: str | None = None


class _Aim(NamedTuple):
    """The configuration to come back to, and the model, None if none is put back."""

    config: LoopConfig
    model: ReplacedModel | None


async def undo(loop: Serving) -> Undone:
    """Puts back what the last change of policy or model replaced; raises ApiError, and then changes nothing.

    No model comes back during an erasure, which may have found what another one knows.
    """
    config, state = await loop.read_config(), await loop.read_checkpoint()
    aim = _aim(config, state)
    if aim is None:
        raise ApiError("NothingToUndo")
    if aim.model is not None and await erasures.is_any_open(loop.storage, loop.home):
        raise ApiError("ErasureInProgress")
    if aim.config.auto_optimization.enabled and aim.config.policy.parsed.is_multi_slot:
        raise ApiError("ProblemTypeIncompatibleWithAutoOptimization")
    config = await configuration.change(loop, lambda stored: _back(stored, config, aim.config))
    try:
        await commits.amend(loop.storage, loop.home, lambda before: _with(before, config, aim.model))
    except (StorageUnavailable, Conflict, ValueError):
        raise ApiError("ModelPublishFailed", retry_after=1) from None
    await chronicle.note(loop.storage, loop.home, Entry(round(time.time() * 1000), "undo", [config.policy.name]))
    await loop.refresh()
    return _told(config, await loop.read_checkpoint(), aim.model)


def _aim(config: LoopConfig, state: Checkpoint) -> _Aim | None:
    """None if no change is known."""
    policy, model = config.replaced, state.replaced
    before = config if policy is None else _with_policy(config, policy.policy, policy.exploration)
    if model is not None and (policy is None or model.at >= policy.at):
        for one in (before, config):  # another model of the same policy may have taken its place
            if not outlook.is_of_other_policy(model.model, one):
                return _Aim(msgspec.structs.replace(one, replaced=None), model)
    return None if policy is None else _Aim(msgspec.structs.replace(before, replaced=None), None)


def _with_policy(config: LoopConfig, policy: Policy, exploration: float) -> LoopConfig:
    """With another policy. What exploration the owner has configured since it was changed stays."""
    is_of_policy = config.policy.parsed.epsilon == config.exploration
    kept = exploration if is_of_policy else config.exploration
    return msgspec.structs.replace(config, policy=policy, exploration=kept)


def _back(stored: LoopConfig, read: LoopConfig, aim: LoopConfig) -> LoopConfig:
    """The stored configuration with the policy aimed at; raises ApiError if somebody has changed the policy since."""
    if (stored.policy, stored.exploration, stored.replaced) != (read.policy, read.exploration, read.replaced):
        raise ApiError("UpdateConfigurationFailed", "The policy was changed just now; look at it, and try again.")
    return msgspec.structs.replace(stored, policy=aim.policy, exploration=aim.exploration, replaced=None)


def _with(before: Checkpoint, config: LoopConfig, back: ReplacedModel | None) -> Checkpoint:
    """The state with the model that comes back, if it is still the one to come back.

    A run that is planned goes on as planned, from this model and with its policy.
    """
    plan = before.plan
    if plan is not None:
        own = {"policy": config.policy, "exploration": config.exploration}
        plan = msgspec.structs.replace(plan, config=msgspec.structs.replace(plan.config, **own))
    changed = msgspec.structs.replace(before, plan=plan, replaced=None)
    if back is None or before.replaced != back:
        return changed
    return msgspec.structs.replace(
        changed,
        model=back.model,
        first_model=before.first_model or back.model.created,
        failure=None,
        apprentice=before.apprentice and Apprentice(),
        calibration=None,
        epoch=before.epoch + 1,
        draft=None,
        unverified=back.unverified,
        backlog=Backlog(back.backlog.at, _waiting(before, back)),
    )


def _waiting(state: Checkpoint, back: ReplacedModel) -> int:
    """How many events a model has not learned that comes back."""
    return max(0, back.backlog.events + state.counts.learned - back.counted)


def _told(config: LoopConfig, state: Checkpoint, back: ReplacedModel | None) -> Undone:
    model, policy = state.model, PolicyBack(config.policy.name, config.policy.arguments)
    what: What
    if model is None:
        what = "none"
    elif back is not None and model.version == back.model.version:
        what = "restored"
    else:
        what = "learnedAnew" if outlook.is_of_other_policy(model, config) else "kept"
    events = state.backlog.events if state.backlog is not None else 0
    return Undone(policy, config.exploration, what, events, None if model is None else model.created)
