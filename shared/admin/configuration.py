"""Reading and changing what is stored about a loop, for its administrators."""

from collections.abc import Callable
from datetime import timedelta

import msgspec

from shared.errors import ApiError
from shared.hubs import events
from shared.loops import apprentice, checkpoint
from shared.loops.apprentice import Apprentice, Report
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig, Policy, decode_config
from shared.loops.homes import blob_name
from shared.rank import wire
from shared.serving.loop import Serving
from shared.storage import Blob, Conflict, Storage, StorageUnavailable

ATTEMPTS = 20  # as many may change it at once

_policy = msgspec.json.Decoder(Policy)


async def read(loop: Serving, storage: Storage) -> LoopConfig:
    """The stored configuration, the defaults if there is none."""
    config, _ = await _stored(loop, storage)
    if config is None:
        raise ApiError(
            "OperationNotAllowed", "The stored configuration is damaged; put the service configuration again."
        )
    return config


async def update(loop: Serving, storage: Storage, body: bytes, longest_wait: timedelta) -> LoopConfig:
    """Puts a ServiceConfiguration; raises ApiError if it is not valid or cannot be stored, and changes nothing.

    longest_wait: what rewardWaitTime may be at most.
    """
    return await change(loop, storage, lambda config: config.updated(body, events.now(), longest_wait))


async def put_policy(loop: Serving, storage: Storage, body: bytes) -> LoopConfig:
    """Puts a PolicyContract once VW has started with it; raises ApiError, and then changes nothing."""
    from shared.admin import policy_check  # here, because a process that answers Rank starts without it

    exploration = (await read(loop, storage)).exploration
    checked = await policy_check.checked(wire.decode(_policy, body, "InvalidPolicyContract"), exploration)
    return await change(loop, storage, lambda config: config.with_policy(checked))


async def reset_policy(loop: Serving, storage: Storage) -> LoopConfig:
    """Puts the default policy of this deployment."""
    return await change(loop, storage, lambda config: config.with_policy(loop.initial.policy))


async def change(loop: Serving, storage: Storage, to: Callable[[LoopConfig], LoopConfig]) -> LoopConfig:
    """Replaces the stored configuration, the defaults if it is damaged, by what `to` makes of it; raises ApiError."""
    for _ in range(ATTEMPTS):
        config, etag = await _stored(loop, storage)
        changed = to(config or loop.initial)
        try:
            await storage.replace(blob_name(loop.home, "config.json"), changed.encoded(), etag)
        except Conflict:
            continue
        except StorageUnavailable:
            raise ApiError("UpdateConfigurationFailed", retry_after=1) from None
        await loop.refresh()
        return changed
    raise ApiError("UpdateConfigurationFailed", "Others are changing the configuration; try again.", retry_after=1)


async def apprenticeship(loop: Serving, storage: Storage) -> Report:
    """How the loop's apprentice is doing; raises ApprenticeModeNeverTurnedOn."""
    config, state = await read(loop, storage), await state_of(loop, storage)
    if state.apprentice is None and config.mode != "Apprentice":
        raise ApiError("ApprenticeModeNeverTurnedOn")
    return apprentice.report(state.apprentice or Apprentice(), config.mode)


async def state_of(loop: Serving, storage: Storage) -> Checkpoint:
    """What the trainer has reached; raises ApiError."""
    blob = await _read(storage, checkpoint.name(loop.home))
    try:
        return checkpoint.decode(blob.data) if blob else Checkpoint()
    except ValueError:
        raise ApiError("OperationNotAllowed", "The checkpoint is being restored; try again.", retry_after=1) from None


async def _stored(loop: Serving, storage: Storage) -> tuple[LoopConfig | None, str | None]:
    """The configuration and its ETag; None for one that cannot be read, and may be replaced."""
    blob = await _read(storage, blob_name(loop.home, "config.json"))
    if blob is None:
        return loop.initial, None
    try:
        return decode_config(blob.data), blob.etag
    except ValueError:
        return None, blob.etag


async def _read(storage: Storage, name: str) -> Blob | None:
    try:
        return await storage.read(name)
    except StorageUnavailable:
        raise ApiError("OperationNotAllowed", "The storage is away; try again.", retry_after=1) from None
