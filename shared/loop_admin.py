"""Making and deleting loops, and new keys for them."""

import asyncio
from contextlib import suppress
from typing import Literal

import msgspec

from shared import auth, checkpoint, commits, events, hubs
from shared.checkpoint import Checkpoint
from shared.commits import Stored
from shared.errors import ApiError
from shared.loops import DEFAULT_LOOP, blob_name
from shared.reader import HubReader
from shared.registry import LoopRecord, Loops, check_name
from shared.service import Service
from shared.storage import Conflict, StorageUnavailable

KEYS_PER_ROLE = 2
ATTEMPTS = 5
RoleName = Literal["app", "admin"]


class LoopInfo(msgspec.Struct, rename="camel", omit_defaults=True):
    """A loop as its administrator sees it. Keys are told once, when they are made."""

    name: str
    path: str
    created: str | None = None
    app_keys: list[str] | None = None
    admin_keys: list[str] | None = None


def describe(service: Service, loop: str) -> LoopInfo:
    """What is known of a loop; raises ResourceNotFound."""
    created = service.registry.created(loop)
    if created is None:
        raise ApiError("ResourceNotFound", f"There is no loop '{loop}'.")
    return LoopInfo(loop, "/" if loop == DEFAULT_LOOP else f"/loops/{loop}", created or None)


def listed(service: Service) -> list[LoopInfo]:
    """All loops, the default one first."""
    return [describe(service, loop) for loop in (DEFAULT_LOOP, *sorted(service.registry.loops))]


async def create(service: Service, loop: str) -> LoopInfo:
    """Makes a loop and its keys; raises LoopAlreadyExists, InvalidLoopName.

    It starts behind everything that is in the hubs now: what an earlier loop of its name left there is not its own.
    """
    check_name(loop)
    _check_absent(service, await _known(service), loop)
    for _ in range(ATTEMPTS):
        await _clear(service, loop)
        if await _begin(service, loop):
            break
    else:
        raise ApiError("OperationNotAllowed", "An earlier loop of this name is still ending; try again.", retry_after=1)
    app, admin = ([auth.new_key() for _ in range(KEYS_PER_ROLE)] for _ in range(2))
    record = LoopRecord(events.now(), _hex(app), _hex(admin))

    def add(loops: Loops) -> Loops:
        _check_absent(service, loops, loop)
        return loops | {loop: record}

    await service.registry.change(add)
    return msgspec.structs.replace(describe(service, loop), app_keys=app, admin_keys=admin)


async def delete(service: Service, loop: str) -> None:
    """Ends a loop and deletes its data; raises ResourceNotFound. What is left goes before its name is used again."""
    if loop == DEFAULT_LOOP:
        raise ApiError("InvalidLoopName", "The loop default cannot be deleted; delete its logs, model and policy.")
    check_name(loop)

    def remove(loops: Loops) -> Loops:
        if loops.pop(loop, None) is None:
            raise ApiError("ResourceNotFound", f"There is no loop '{loop}'.")
        return loops

    await service.registry.change(remove)
    await _clear(service, loop)


async def rotate(service: Service, loop: str, role: RoleName, number: int) -> str:
    """A new key in the place of the first or second of a role; the other one goes on working."""
    if loop == DEFAULT_LOOP:
        raise ApiError("LoopKeysFixed")
    key = auth.new_key()

    def replace(loops: Loops) -> Loops:
        record = loops.get(loop)
        if record is None:
            raise ApiError("ResourceNotFound", f"There is no loop '{loop}'.")
        keys = list(getattr(record, role))
        keys[number - 1] = _hex([key])[0]
        return loops | {loop: msgspec.structs.replace(record, **{role: keys})}

    await service.registry.change(replace)
    return key


def _hex(keys: list[str]) -> list[str]:
    return [auth.digest(key).hex() for key in keys]


async def _known(service: Service) -> Loops:
    try:
        return await service.registry.refresh()
    except StorageUnavailable:
        raise ApiError("OperationNotAllowed", "The storage is away; try again.", retry_after=1) from None


def _check_absent(service: Service, loops: Loops, loop: str) -> None:
    if loop == DEFAULT_LOOP or loop in loops:
        raise ApiError("LoopAlreadyExists")


async def _begin(service: Service, loop: str) -> bool:
    """The first checkpoint: at the heads of both hubs. False if a trainer has stored one of an earlier loop."""
    settings = service.settings
    readers = [
        HubReader(hubs.consumer(settings, hub), settings.event_hubs_partitions)
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
        await commits.save(service.storage, loop, Stored(Checkpoint(), None), start)
    except Conflict:
        return False
    return True


async def _clear(service: Service, loop: str) -> None:
    """Deletes every blob of a loop, the checkpoint first: without it a trainer that still runs cannot commit."""
    try:
        names = await service.storage.names(blob_name(loop, ""))
        for name in sorted(names, key=lambda name: name != checkpoint.name(loop)):
            await service.storage.delete(name)
    except StorageUnavailable:
        raise ApiError("OperationNotAllowed", "The storage is away; try again.", retry_after=1) from None
