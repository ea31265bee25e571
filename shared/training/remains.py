"""What an erasure leaves behind the log: older models, evaluations, and texts that name an erased value."""

import asyncio
import re
from collections.abc import Iterable

import msgspec

from shared.loops import monitoring_names
from shared.loops.blob_names import Home, blob_name
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.loops.erasures import Wanted
from shared.loops.evaluation_names import JOB, Kind, prefix
from shared.storage import Conflict, Storage
from shared.vw.safe_features import safe_text

REASON = "Events were erased while it was worked, or its result named one of them: ask for it again."
_KINDS: tuple[Kind, ...] = ("evaluations", "importances")
_OPEN = ("waiting", "running")
# Bytes; shorter texts are words of many sentences.
SHORT = 4


def always(config: LoopConfig) -> list[str]:
    """What no erasure reaches, with how long it lives."""
    days = "for ever" if config.retention_days < 0 else "at most 90 days"
    return [
        "Models that were exported are with whoever exported them.",
        "Soft-deleted blobs and versions of blobs live as long as the storage account keeps them (7 days as deployed).",
        f"Event Hubs keeps messages until its retention ends; the join drops them. Their keys are kept {days} beyond "
        "the log's retention, as hashes.",
        "Log lines have event ids, and no features: Application Insights keeps them as long as its workspace does, and "
        "an embedded run in its folder logs until somebody deletes them.",
        *(["A log mirror of earlier days is your own."] if config.log_mirror.enabled else []),
    ]


class Texts:
    """Erased ids and values, which a blob may name: as a word of a text or, if short, as a text of JSON of their own.

    A number that happens to be an erased value is no name, and neither are letters within a word.
    """

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        texts = {
            said for one in wanted for text in (one.event_id, one.value) if text for said in (text, safe_text(text))
        }
        self._written = [msgspec.json.encode(text) for text in sorted(texts)]

    def are_in(self, data: bytes) -> bool:
        """True if the bytes of a blob name one of them."""
        return any(_is_named(written, data) for written in self._written)


def _is_named(written: bytes, data: bytes) -> bool:
    """written: as JSON has it, in its quotation marks."""
    if len(written) - 2 < SHORT:
        return written in data
    text = written[1:-1]
    return text in data and re.search(rb"(?<!\w)" + re.escape(text) + rb"(?!\w)", data) is not None


async def delete(storage: Storage, home: Home, state: Checkpoint, texts: Texts) -> None:
    """Deletes models but the current one and what undo may still put back, and evaluations that are not ended; and what
    names an erased text, as `delete_named` does."""
    await _models(storage, home, state)
    await delete_named(storage, home, texts, ended_only=False)


async def delete_named(storage: Storage, home: Home, texts: Texts, *, ended_only: bool) -> None:
    """Deletes evaluations that name an erased text; alarms and headline that do so are made again.

    ended_only: evaluations that are under way go on; else they end.
    """
    for kind in _KINDS:
        for job in await storage.names(prefix(home, kind)):
            if job.endswith(f"/{JOB}"):
                await _job(storage, job, texts, ended_only=ended_only)
    for name in (monitoring_names.alarms(home), monitoring_names.headline(home)):
        if await _names(storage, name, texts):
            await storage.delete(name)
    for name in await storage.names(blob_name(home, "logs", "")):
        if name.endswith(".refusal.txt") and await _names(storage, name, texts):
            await storage.delete(name)


async def _models(storage: Storage, home: Home, state: Checkpoint) -> None:
    kept = [one.model for one in (state, state.replaced) if one is not None and one.model is not None]
    files = {artifact.name for one in kept for artifact in (one.trainer, one.predict)}
    files |= {one.past.actions.name for one in kept if one.past is not None and one.past.actions is not None}
    for folder in ("models", "drafts"):
        names = await storage.names(blob_name(home, folder, ""))
        await storage.delete_all(name for name in names if name not in files)


async def _job(storage: Storage, name: str, texts: Texts, *, ended_only: bool) -> None:
    """Ends a job that is open, unless ended_only, or whose blobs name an erased text; it goes if its own name does."""
    blob = await storage.read(name)
    if blob is None:
        return
    folder = name.removesuffix(JOB)
    others = [one for one in await storage.names(folder) if one != name]
    job = msgspec.json.decode(blob.data, type=dict[str, object])
    is_open = job.get("state", "waiting") in _OPEN
    if is_open and ended_only:
        return
    if not is_open and not any([await _names(storage, one, texts) for one in (name, *others)]):
        return
    failed = job | {"state": "failed", "reason": REASON, "plan": None, "groups": [], "failed": {}}
    made = msgspec.json.encode(failed)
    if texts.are_in(made):
        await storage.delete_all([*others, name])
        return
    try:
        await storage.replace(name, made, blob.etag)
    except Conflict:
        await _job(storage, name, texts, ended_only=ended_only)
        return
    await storage.delete_all(others)


async def _names(storage: Storage, name: str, texts: Texts) -> bool:
    blob = await storage.read(name)
    return blob is not None and await asyncio.to_thread(texts.are_in, blob.data)
