"""Deleting what nobody needs any more, a whole blob at a time."""

import time

from shared.loops import checkpoint
from shared.loops.blob_names import Home, blob_name, run_name
from shared.loops.checkpoint import Checkpoint
from shared.storage import Storage

SWEEP_SECONDS = 600
# Runs whose model, memory and checkpoint copy are kept: instances may still be loading one that was just replaced.
KEPT_RUNS = 10
DAY_MS = 86_400_000

_swept: dict[str, float] = {}


async def sweep(storage: Storage, home: Home, retention_days: int, before: Checkpoint, state: Checkpoint) -> None:
    """Deletes old models, memories and checkpoint copies, and logs past their retention; -1 keeps logs forever.

    state: what is current. Its model need not be among the last by name: of one cut, models that were imported come
    before those that were rebuilt. before: what was current; another trainer may be loading the memory it names.

    Does nothing if it swept the loop within the last SWEEP_SECONDS.
    """
    now = time.monotonic()
    if now - _swept.get(home, float("-inf")) < SWEEP_SECONDS:
        return
    _swept[home] = now
    for prefix, current in _in_use(home, before, state).items():
        names = await storage.names(prefix)
        kept = set(sorted({_run(name) for name in names})[-KEPT_RUNS:]) | {_run(name) for name in current}
        for name in names:
            if _run(name) not in kept:
                await storage.delete(name)
    if retention_days >= 0:
        oldest = run_name(max(0, int(time.time() * 1000) - retention_days * DAY_MS))  # the names sort from 1970 on
        for name in await storage.names(blob_name(home, "logs", "")):
            if _run(name) < oldest:
                await storage.delete(name)


def _in_use(home: Home, before: Checkpoint, state: Checkpoint) -> dict[str, list[str]]:
    """What must stay of the blobs behind each prefix, whatever its age."""
    model, draft = state.model, state.draft
    return {
        blob_name(home, "models", ""): [model.version] if model is not None else [],
        blob_name(home, "drafts", ""): [draft.state.name] if draft is not None and draft.state is not None else [],
        blob_name(home, "join", ""): [part.file.name for part in (*before.windows, *state.windows)],
        checkpoint.copies(home): [],
    }


def _run(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[0]
