"""Loading, planning and committing a loop's checkpoint; restoring it when it is lost or damaged."""

import logging
from typing import NamedTuple

import msgspec

from shared import checkpoint
from shared.checkpoint import Checkpoint
from shared.storage import Storage

_log = logging.getLogger(__name__)


class Stored(NamedTuple):
    """A checkpoint and the ETag its replacement is conditional on; None if there is no blob yet."""

    checkpoint: Checkpoint
    etag: str | None


async def load(storage: Storage, loop: str) -> Stored:
    """The current checkpoint. One that is missing or damaged is restored from its newest readable copy.

    A copy is written before its commit, when all it names is stored: to adopt it is to finish that run.
    """
    blob = await storage.read(checkpoint.name(loop))
    if blob is not None:
        try:
            return Stored(checkpoint.decode(blob.data), blob.etag)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            _log.error("The checkpoint of loop %s is damaged (%s); restoring it from its copy.", loop, error)
    etag = blob.etag if blob else None
    for name in reversed(await storage.names(checkpoint.copies(loop))):
        copy = await storage.read(name)
        try:
            restored = checkpoint.decode(copy.data) if copy else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if restored is not None:
            return await save(storage, loop, Stored(restored, etag), restored)
    if etag is not None:
        raise ValueError(f"the checkpoint of loop {loop} is damaged and has no readable copy")
    return Stored(Checkpoint(), None)


async def save(storage: Storage, loop: str, stored: Stored, changed: Checkpoint) -> Stored:
    """Replaces the checkpoint, or raises Conflict if another trainer was faster."""
    etag = await storage.replace(checkpoint.name(loop), checkpoint.encode(changed), stored.etag)
    return Stored(changed, etag)


async def commit(storage: Storage, loop: str, stored: Stored, changed: Checkpoint, run: str) -> Stored:
    """`save` with a copy first."""
    await storage.put(checkpoint.copies(loop) + run + ".json", checkpoint.encode(changed))
    return await save(storage, loop, stored, changed)
