"""Reading and changing what is stored about a loop, for its administrators."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from shared.admin import chronicling
from shared.errors import ApiError
from shared.hubs import events
from shared.loops import apprentice, chronicle, stored
from shared.loops.apprentice import Apprentice, Report
from shared.loops.chronicle import Kind
from shared.loops.config import LoopConfig
from shared.loops.stored import Damaged
from shared.serving.loop import Serving
from shared.storage import Conflict, StorageUnavailable

LONGEST_COUNT_SECONDS = 8.0
ATTEMPTS = 20  # as many may change it at once


async def update(loop: Serving, body: bytes, longest_wait: timedelta) -> LoopConfig:
    """Puts a ServiceConfiguration; raises ApiError if it is not valid or cannot be stored, and changes nothing.

    longest_wait: what rewardWaitTime may be at most.
    """
    from shared.admin import configuration_body  # here, because a process that answers Rank starts without pydantic

    return await change(loop, lambda config: configuration_body.updated(config, body, events.now(), longest_wait))


async def put_policy(loop: Serving, body: bytes) -> LoopConfig:
    """Puts a PolicyContract once VW has started with it; raises ApiError, and then changes nothing."""
    from shared.admin import policy_body, policy_check, trials  # here: Rank starts without

    config = await loop.read_config()
    given = policy_body.policy(body, config)
    async with trials.turn(loop.loop):
        checked = await policy_check.checked(given, config.exploration)
    return await change(loop, lambda config: config.with_policy(checked))


async def consequence(loop: Serving, config: LoopConfig) -> dict[str, Any]:
    """What a change means for the model, as an additional member of its answer.

    `replaced`: a new model is made of the log, else the model is kept and goes on with the new settings. `events`:
    about how many the new one would know, absent if counting them takes long. Empty if the model goes on as it is, and
    if it cannot be told: the change is stored by now, and its answer says so.
    """
    from shared.joined_log import outlook  # here, because a process that answers Rank starts without it

    try:
        state = await loop.read_checkpoint()
        async with asyncio.timeout(LONGEST_COUNT_SECONDS):
            after = await outlook.outlook(loop.storage, loop.home, state, config, round(time.time() * 1000))
    except TimeoutError:
        is_certain = outlook.is_of_other_policy(state.model, config)
        return {"modelAfterChange": {"replaced": True}} if is_certain else {}
    except (ApiError, StorageUnavailable):
        return {}
    return {"modelAfterChange": {"replaced": after.replaces, "events": after.events}} if after is not None else {}


async def crossed(loop: Serving, config: LoopConfig) -> dict[str, Any]:
    """What the loop's model crosses by itself, as an additional member of its policy; empty if it does not."""
    if not config.policy.parsed.crosses_seen:
        return {}
    try:
        model = (await loop.read_checkpoint()).model
    except (ApiError, StorageUnavailable):
        return {}
    return {"interactions": model.past.schema.crossings} if model is not None and model.past is not None else {}


async def reset_policy(loop: Serving) -> LoopConfig:
    """Puts the default policy of this deployment."""
    return await change(loop, lambda config: config.with_policy(loop.initial.policy))


async def change(loop: Serving, to: Callable[[LoopConfig], LoopConfig], why: Kind | None = None) -> LoopConfig:
    """Replaces the stored configuration, the defaults if it is damaged, by what `to` makes of it; raises ApiError.

    why: what changes the policy, unless an administrator does.
    """
    for _ in range(ATTEMPTS):
        config, etag = await _replaceable(loop)
        changed = to(config)
        try:
            await loop.storage.replace(stored.config_name(loop.home), changed.encoded(), etag)
        except Conflict:
            continue
        except StorageUnavailable:
            raise ApiError("UpdateConfigurationFailed", retry_after=1) from None
        now = round(time.time() * 1000)
        await chronicle.note(loop.storage, loop.home, *chronicling.entries(config, changed, now, why))
        await loop.refresh()
        return changed
    raise ApiError("UpdateConfigurationFailed", "Others are changing the configuration; try again.", retry_after=1)


async def apprenticeship(loop: Serving) -> Report:
    """How the loop's apprentice is doing; raises ApprenticeModeNeverTurnedOn."""
    config, state = await loop.read_config(), await loop.read_checkpoint()
    if state.apprentice is None and config.mode != "Apprentice":
        raise ApiError("ApprenticeModeNeverTurnedOn")
    return apprentice.report(state.apprentice or Apprentice(), config.mode)


async def _replaceable(loop: Serving) -> tuple[LoopConfig, str | None]:
    """The configuration and its ETag; the initial one in place of none and of a damaged one."""
    try:
        found = await stored.read_config(loop.storage, loop.home)
    except Damaged as damage:
        return loop.initial, damage.etag
    return found.value or loop.initial, found.etag
