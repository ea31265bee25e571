"""Loading, planning and committing a loop's checkpoint; restoring it when it is lost or damaged."""

import logging
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from shared import telemetry
from shared.loops import checkpoint, stored
from shared.loops.blob_names import Home, loop_of, run_name
from shared.loops.checkpoint import Checkpoint
from shared.loops.stored import Damaged, read_checkpoint
from shared.storage import Conflict, Storage

ATTEMPTS = 5

_log = logging.getLogger(__name__)


class Stored(NamedTuple):
    """A checkpoint and the ETag its replacement is conditional on; None if there is no blob yet."""

    checkpoint: Checkpoint
    etag: str | None


async def load(storage: Storage, home: Home) -> Stored:
    """The current checkpoint. One that is missing or damaged is restored from its newest readable copy.

    A run's copy is written with its plan, before the first of its blobs, and again before its commit, when all it
    names is stored: to adopt it is to repeat that run, or to finish it. Without the plan, the next run would be cut
    elsewhere, and what this one has stored of the joined log would be in it twice.

    Raises LaterVersion, also of the newest copy: an earlier one would take back what the later version has done.
    """
    etag = None
    try:
        found = await read_checkpoint(storage, home)
        if found.value is not None:
            return Stored(found.value, found.etag)
    except Damaged as damage:
        etag, text = damage.etag, f"The checkpoint is damaged ({damage.reason}); restoring it from its copy."
        telemetry.error(_log, text, loop_of(home))
    for name in reversed(await storage.names(checkpoint.copies(home))):
        try:
            restored = (await stored.read(storage, name, checkpoint.decode)).value
        except Damaged:
            continue
        if restored is not None:
            return await save(storage, home, Stored(restored, etag), restored)
    if etag is not None:
        raise ValueError(f"the checkpoint of loop {loop_of(home)} is damaged and has no readable copy")
    return Stored(Checkpoint(), None)


async def save(storage: Storage, home: Home, stored: Stored, changed: Checkpoint) -> Stored:
    """Replaces the checkpoint, or raises Conflict if another trainer was faster."""
    etag = await storage.replace(checkpoint.name(home), checkpoint.encode(changed), stored.etag)
    return Stored(changed, etag)


async def commit(storage: Storage, home: Home, stored: Stored, changed: Checkpoint, run: str) -> Stored:
    """`save` with a copy first."""
    await copy(storage, home, changed, run)
    return await save(storage, home, stored, changed)


async def amend(storage: Storage, home: Home, to: Callable[[Checkpoint], Checkpoint]) -> Checkpoint:
    """Replaces the checkpoint by what `to` makes of it, between the runs of trainers or during one, whose commit then
    fails: it is repeated on the new state. Returns what it made; raises Conflict if they get in between each time.
    """
    for attempt in count(1):
        stored = await load(storage, home)
        state = stored.checkpoint
        try:
            changed = (await save(storage, home, stored, to(state))).checkpoint
            await copy(storage, home, changed, state.plan.run if state.plan else run_name(state.cut))
        except Conflict:
            if attempt == ATTEMPTS:
                raise
        else:
            break
    return changed


async def copy(storage: Storage, home: Home, state: Checkpoint, run: str) -> None:
    """Writes the copy of a run's plan or result."""
    await storage.put(checkpoint.copies(home) + run + ".json", checkpoint.encode(state))
