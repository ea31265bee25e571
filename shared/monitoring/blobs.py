"""The two blobs that tell how a loop is doing, read and written conditionally."""

import secrets
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import msgspec

from shared.loops import monitoring_names
from shared.loops.blob_names import Home
from shared.loops.stored import Damaged, read, read_checkpoint
from shared.monitoring import headline
from shared.monitoring.alarms import history
from shared.monitoring.alarms.history import History
from shared.monitoring.headline import Headline
from shared.storage import Storage

T = TypeVar("T")


class Kept(NamedTuple, Generic[T]):
    """What is stored, and the ETag that its replacement is conditional on; None if there is no blob."""

    value: T
    etag: str | None


async def alarms(storage: Storage, home: Home) -> Kept[History]:
    """How the alarms of a loop stand, empty if that was never judged or is damaged; raises LaterVersion."""
    return await _load(storage, monitoring_names.alarms(home), history.decode, History())


async def told(storage: Storage, home: Home) -> Kept[Headline]:
    """The headline of a loop, empty if none was made or it is damaged; raises LaterVersion."""
    return await _load(storage, monitoring_names.headline(home), headline.decode, Headline())


async def keep_alarms(storage: Storage, home: Home, before: Kept[History], made: History) -> Kept[History]:
    """Replaces them; raises Conflict if another process has."""
    made = msgspec.structs.replace(made, by=secrets.token_hex(8))
    data = history.encode(made)
    return Kept(made, await _save(storage, home, monitoring_names.alarms(home), before.etag, data))


async def keep_told(storage: Storage, home: Home, before: Kept[Headline], made: Headline) -> Kept[Headline]:
    """Replaces it; raises Conflict if another process has."""
    data = headline.encode(made)
    return Kept(made, await _save(storage, home, monitoring_names.headline(home), before.etag, data))


async def _load(storage: Storage, name: str, decode: Callable[[bytes], T], nothing: T) -> Kept[T]:
    try:
        found = await read(storage, name, decode)
    except Damaged as damage:
        return Kept(nothing, damage.etag)
    return Kept(nothing if found.value is None else found.value, found.etag)


async def _save(storage: Storage, home: Home, name: str, etag: str | None, data: bytes) -> str:
    """The new ETag. What is made first of a loop that was deleted meanwhile is deleted again."""
    made = await storage.replace(name, data, etag)
    if etag is None and (await read_checkpoint(storage, home)).etag is None:
        await storage.delete(name)
    return made
