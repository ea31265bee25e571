"""Making and deleting loops, and new keys for them."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import msgspec

from shared import auth
from shared.admin.loop_bodies import ExplorationInfo, LoopInfo, LoopList, NewKey, RewardFall
from shared.errors import ApiError, shown
from shared.hubs import clients, events
from shared.hubs.reader import HubReader
from shared.loops import checkpoint, commits
from shared.loops.blob_names import Home, all_homes, home_of, run_name
from shared.loops.checkpoint import Checkpoint
from shared.loops.commits import Stored
from shared.loops.config import DEFAULT_LOOP
from shared.loops.registry import LoopRecord, Loops, check_name
from shared.serving.service import Service
from shared.storage import Conflict, StorageUnavailable

KEYS_PER_ROLE = 2
# After so long, the making or ending of a loop was broken off.
LONGEST_CLAIM = timedelta(minutes=2)
RoleName = Literal["app", "admin", "reader"]
ROLES: tuple[RoleName, ...] = get_args(RoleName)


def describe(service: Service, loop: str) -> LoopInfo:
    """What is known of a loop; raises ResourceNotFound."""
    created = service.registry.created(loop)
    if created is None:
        raise ApiError("ResourceNotFound", f"There is no loop '{shown(loop)}'.")
    path = "/" if loop == DEFAULT_LOOP else f"/loops/{loop}"
    return LoopInfo(name=loop, path=path, created=created or None)


async def described(service: Service, loop: str) -> LoopInfo:
    """The same with how far its exploration has come, if that can be read now."""
    info = describe(service, loop)
    try:
        model = (await service.loop(loop).read_checkpoint()).model
    except (ApiError, StorageUnavailable):
        return info
    if model is None or model.past is None:
        return info
    schedule, fall = model.past.experience.schedule, model.fall
    anew = (
        RewardFall.model_construct(at=fall.at, average_reward=fall.mean, usual_reward=fall.before)
        if fall is not None
        else None
    )
    exploration = ExplorationInfo.model_construct(events=schedule.learned - schedule.since, began_anew=anew)
    return info.model_copy(update={"exploration": exploration})


def listed(service: Service) -> LoopList:
    """All loops, the default one first."""
    return LoopList(loops=[describe(service, loop) for loop in (DEFAULT_LOOP, *sorted(service.registry.loops))])


async def create(service: Service, loop: str) -> LoopInfo:
    """Makes a loop and its keys; raises LoopAlreadyExists, InvalidLoopName.

    It starts behind everything that is in the hubs now: what an earlier loop of its name left there is not its own.
    """
    check_name(loop)
    if loop == DEFAULT_LOOP:
        raise ApiError("LoopAlreadyExists")
    claim = LoopRecord(events.now(), ready=False)

    def claimed(loops: Loops) -> Loops:
        _check_free(loops.get(loop))
        return loops | {loop: claim}

    await service.registry.change(claimed)
    try:
        await _clear(service, loop)
        await _begin(service, home_of(loop, claim.created))
        app, admin, reader = ([auth.new_key() for _ in range(KEYS_PER_ROLE)] for _ in ROLES)
        ready = LoopRecord(claim.created, _hex(app), _hex(admin), reader=_hex(reader))
        await service.registry.change(lambda loops: _ours(loops, loop, claim, ready) | {loop: ready})
    except Exception:
        with suppress(Exception):
            await service.registry.change(lambda loops: _without(_ours(loops, loop, claim), loop))
        raise
    return describe(service, loop).model_copy(update={"app_keys": app, "admin_keys": admin, "reader_keys": reader})


async def delete(service: Service, loop: str) -> None:
    """Ends a loop and deletes its data; raises ResourceNotFound. Repeated after a failure, it goes on."""
    if loop == DEFAULT_LOOP:
        raise ApiError("InvalidLoopName", "The loop default cannot be deleted; delete its logs, model and policy.")
    check_name(loop)
    claim = LoopRecord(events.now(), ready=False)

    def claimed(loops: Loops) -> Loops:
        if loop not in loops:
            raise ApiError("ResourceNotFound", f"There is no loop '{shown(loop)}'.")
        return loops | {loop: claim}

    await service.registry.change(claimed)
    await _clear(service, loop)
    await service.registry.change(lambda loops: _without(_ours(loops, loop, claim, None), loop))


async def rotate(service: Service, loop: str, role: RoleName, number: int) -> NewKey:
    """A new key in the place of the first or second of a role; the other one goes on working."""
    if loop == DEFAULT_LOOP:
        raise ApiError("LoopKeysFixed")
    key = auth.new_key()
    unknown = _hex([auth.new_key() for _ in range(KEYS_PER_ROLE)])  # of a list that was mended without its keys

    def replace(loops: Loops) -> Loops:
        record = loops.get(loop)
        if record is None or not record.ready:
            raise ApiError("ResourceNotFound", f"There is no loop '{shown(loop)}'.")
        keys = [*getattr(record, role), *unknown][:KEYS_PER_ROLE]
        keys[number - 1] = _hex([key])[0]
        return loops | {loop: msgspec.structs.replace(record, **{role: keys})}

    await service.registry.change(replace)
    return NewKey(key=key)


def _hex(keys: list[str]) -> list[str]:
    return [auth.digest(key).hex() for key in keys]


def _check_free(record: LoopRecord | None) -> None:
    """Raises unless there is no such loop, or its making or ending was broken off."""
    if record is None:
        return
    if record.ready:
        raise ApiError("LoopAlreadyExists")
    if datetime.now(UTC) - datetime.fromisoformat(record.created) < LONGEST_CLAIM:
        raise ApiError("OperationNotAllowed", "The loop is being made or deleted; try again.", retry_after=1)


def _ours(loops: Loops, loop: str, *records: LoopRecord | None) -> Loops:
    """The loops, if this one is as whoever calls has left it: a write may have succeeded without its answer."""
    if loops.get(loop) not in records:
        raise ApiError("OperationNotAllowed", "Somebody else has made or deleted the loop.", retry_after=1)
    return loops


def _without(loops: Loops, loop: str) -> Loops:
    return {name: record for name, record in loops.items() if name != loop}


async def _begin(service: Service, home: Home) -> None:
    """The first checkpoint: at the heads of both hubs."""
    settings = service.settings
    readers = [
        HubReader(clients.consumer(settings, hub), settings.event_hubs_partitions)
        for hub in (settings.interactions_hub, settings.observations_hub)
    ]
    try:
        ranked, observed = await asyncio.gather(*(reader.heads() for reader in readers))
    except Exception:
        raise ApiError("OperationNotAllowed", "The event log is away; try again.", retry_after=1) from None
    finally:
        for reader in readers:
            with suppress(Exception):
                await reader.close()
    start = Checkpoint(interactions=ranked, observations=observed, observed=observed)
    try:
        await commits.commit(service.storage, home, Stored(Checkpoint(), None), start, run_name(start.cut))
    except Conflict:
        # The home is new: only a write of its own, whose answer was lost, can have been faster.
        raise ApiError(
            "OperationNotAllowed", "The loop's first checkpoint is in doubt; try again.", retry_after=1
        ) from None


async def _clear(service: Service, loop: str) -> None:
    """Deletes every blob of all loops that had the name, checkpoints first: without them no trainer can commit."""
    names = await service.storage.names(all_homes(loop))
    for name in sorted(names, key=lambda name: not name.endswith(checkpoint.FILE)):
        await service.storage.delete(name)
