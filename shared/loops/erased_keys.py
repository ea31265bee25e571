"""The keys of erased events: joins drop what comes of them later, and traces tell that they were erased."""

import msgspec

from shared.loops import artifacts
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import Home, blob_name
from shared.storage import Storage

DAY_MS = 86_400_000
# For so long an event hub may hold an event, whatever its tier.
LONGEST_HUB_DAYS = 90


class Batch(msgspec.Struct, frozen=True):
    """Those of one erasure. at: when, ms since 1970."""

    at: int
    keys: list[int]


_decoder = msgspec.json.Decoder(list[Batch])


async def load(storage: Storage, erased: Artifact | None) -> dict[int, int]:
    """When each event was erased (ms), by its key; raises DamagedArtifact."""
    found: dict[int, int] = {}
    for batch in await _batches(storage, erased):
        found |= dict.fromkeys(batch.keys, batch.at)
    return found


async def added(
    storage: Storage, home: Home, erased: Artifact | None, name: str, batch: Batch, retention_days: int
) -> Artifact:
    """Stores the keys with those of an erasure, without those that neither a hub nor the log can hold any longer.

    name: of the erasure, by its digest.
    """
    kept = await _batches(storage, erased)
    if retention_days >= 0:
        oldest = batch.at - (retention_days + LONGEST_HUB_DAYS) * DAY_MS
        kept = [one for one in kept if one.at >= oldest]
    blob, data = blob_name(home, "erased", f"{name}.json"), msgspec.json.encode([*kept, batch])
    await storage.put(blob, data)
    return artifacts.of(blob, data)


async def _batches(storage: Storage, erased: Artifact | None) -> list[Batch]:
    if erased is None:
        return []
    blob = await storage.read(erased.name)
    if blob is None or artifacts.of(erased.name, blob.data) != erased:
        raise artifacts.DamagedArtifact(f"{erased.name} is damaged or missing")
    return _decoder.decode(blob.data)
