"""Deleting what nobody needs any more, a whole blob at a time."""

import time
from collections.abc import Sequence

import msgspec

from shared.joined_log import log_parts, merged_log
from shared.joined_log.merged_log import Catalogue, Merged
from shared.loops import checkpoint
from shared.loops.blob_names import Home, blob_name, run_name
from shared.loops.checkpoint import Checkpoint, Summarised
from shared.storage import Storage

SWEEP_SECONDS = 600
# Runs whose model, memory and checkpoint copy are kept: instances may still be loading one that was just replaced.
KEPT_RUNS = 10
DAY_MS = 86_400_000
# For how long summaries outlive the log: 13 months.
SUMMARY_DAYS = 396

# By home: when this process has swept it last (s, monotonic), and how many merges its log had been through then.
_swept: dict[Home, tuple[float, int]] = {}
_NEVER = float("-inf"), 0


def is_due(home: Home) -> bool:
    """False for a loop that was swept within the last SWEEP_SECONDS."""
    return time.monotonic() - _swept.get(home, _NEVER)[0] >= SWEEP_SECONDS


async def sweep(storage: Storage, home: Home, retention_days: int, *states: Checkpoint) -> None:
    """Deletes old models, memories and checkpoint copies, parts of the log that were merged, and logs past their
    retention; -1 keeps logs forever.

    states: what was current lately; what they name stays, for other processes may be loading it. A model need not be
    among the last by name: of one cut, models that were imported come before those that were rebuilt.
    """
    known = _swept.get(home, _NEVER)[1]
    _swept[home] = time.monotonic(), known
    found = {prefix: await storage.names(prefix) for prefix in _in_use(home, states)}
    logs = await storage.names(blob_name(home, "logs", ""))
    state = await log_parts.state_of(storage, home)  # behind the lists: what it names and they do not is new
    if state is None:
        return
    _swept[home] = time.monotonic(), state.merges
    old: list[str] = []
    for prefix, current in _in_use(home, [*states, state]).items():
        kept = set(sorted({_run(name) for name in found[prefix]})[-KEPT_RUNS:]) | {_run(name) for name in current}
        old += [name for name in found[prefix] if _run(name) not in kept]
    old += _merged(logs, await merged_log.catalogue(storage, home, state), known, state.merges)
    if retention_days >= 0:
        oldest = run_name(max(0, int(time.time() * 1000) - retention_days * DAY_MS))  # the names sort from 1970 on
        old += [name for name in logs if _run(name) < oldest]
    await storage.delete_all(dict.fromkeys(old))


def summarised(before: Checkpoint, retention_days: int, now: int) -> Summarised:
    """Of what there are summaries after a run that is committed now (ms since 1970), days that are past their
    retention not being among them. The first run says that there are none of the runs before it.
    """
    known = before.summarised or Summarised(before.cut)
    return msgspec.structs.replace(known, since=max(known.since, oldest_summaries(retention_days, now)))


def oldest_summaries(retention_days: int, now: int) -> int:
    """The beginning of the first day (ms) whose summaries are kept; retention_days: of the log, -1 for ever."""
    oldest = now - (retention_days + SUMMARY_DAYS) * DAY_MS
    return max(0, oldest - oldest % DAY_MS) if retention_days >= 0 else 0


def _merged(logs: list[str], catalogue: Catalogue, known: int, merges: int) -> list[str]:
    """The logs of runs that the sweep before this one knew as merged, and the merged blobs that no commit can name.

    known, merges: how many merges there were then, and are. Who reads the log may have listed it before the last ones.
    """
    if not catalogue.is_whole:
        return []
    present = set(logs)
    blobs = [one for one in catalogue.blobs if one.name in present and one.merge <= known]
    old: list[str] = []
    for kind in (log_parts.JOINED, log_parts.LATE):
        runs = sorted((name for name in logs if log_parts.is_of_run(name, kind)), key=log_parts.file_of)
        old += merged_log.covered(runs, [one for one in blobs if one.name.endswith(kind)])
    named = {one.name for one in catalogue.blobs}
    others = [name for name in logs if merged_log.is_merged(name) and name not in named]
    return old + [name for name in others if Merged(name).merge <= merges]


def _in_use(home: Home, states: Sequence[Checkpoint]) -> dict[str, list[str]]:
    """What must stay of the blobs behind each prefix, whatever its age."""
    models = [state.model for state in states if state.model is not None]
    models += [state.replaced.model for state in states if state.replaced is not None]
    drafts = [state.draft for state in states if state.draft is not None]
    pasts = [one.past for one in models] + [one.past for one in drafts]
    actions = [one.actions.name for one in pasts if one is not None and one.actions is not None]
    return {
        blob_name(home, "models", ""): [*(model.version for model in models), *actions],
        blob_name(home, "drafts", ""): [*(draft.state.name for draft in drafts if draft.state is not None), *actions],
        blob_name(home, "join", ""): [part.file.name for state in states for part in state.windows],
        blob_name(home, "merged", ""): [state.merged.name for state in states if state.merged is not None],
        checkpoint.copies(home): [],
    }


def _run(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[0]
