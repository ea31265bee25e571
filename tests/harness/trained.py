"""Loops whose events go to real event hubs, and what their training leaves in storage, in the process of the test."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from harness.learning import PLAIN, decide, interaction
from shared.auth import Keys
from shared.hubs import events
from shared.hubs.events import Observation
from shared.loops import stored
from shared.loops.blob_names import Home, all_homes, blob_name, home_of
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.loops.registry import LoopRecord, Registry
from shared.serving.service import Service
from shared.storage import Storage
from shared.training.trainer import Trainer

CREATED = "2026-01-01T00:00:00.000Z"
# It is due at every tick, and closes all that was there before the tick.
AT_ONCE = LoopConfig(wait=0.001, export=0.001)


class Deployment:
    """The hubs and the storage of a service, filled and read by a test."""

    def __init__(self, parts: Service) -> None:
        self.parts, self.storage = parts, parts.storage

    async def make(self, *loops: str, config: LoopConfig = AT_ONCE) -> None:
        """Makes loops, the default one among them or not, with a configuration."""
        named = {loop: LoopRecord(CREATED) for loop in loops if loop != "default"}
        if named:
            await self.parts.registry.change(lambda known: known | named)
        for loop in loops:
            await self.storage.put(stored.config_name(self.home(loop)), config.encoded())

    async def rank(self, *ids: str, loop: str = "default", **members: Any) -> None:
        """Appends decisions of one slot: deferred, unless the members say otherwise, so that no learner is needed."""
        for event_id in ids:
            made = interaction(decide(PLAIN[0] | {"eventId": event_id}))
            made = msgspec.structs.replace(made, **{"loop": loop, "deferred": True} | members)
            assert await self.parts.interactions.append(self.parts.partition(event_id), events.encode(made))

    async def reward(self, event_id: str, value: float = 1.0, *, loop: str = "default", nonce: str = "") -> None:
        """Appends a reward. One that is there before its rank is always in time."""
        observed = Observation(1, loop, event_id, events.now(), "reward", nonce or events.nonce(), value)
        assert await self.parts.observations.append(self.parts.partition(event_id), events.encode(observed))

    def created(self, loop: str) -> str:
        return "" if loop == "default" else CREATED

    def home(self, loop: str) -> Home:
        return home_of(loop, self.created(loop))

    async def checkpoint(self, loop: str = "default") -> Checkpoint:
        """The stored one."""
        state = (await stored.read_checkpoint(self.storage, self.home(loop))).value
        assert state is not None, f"{loop} has no checkpoint"
        return state

    async def counts(self, loop: str = "default") -> dict[str, int]:
        """The stored counts that are not 0."""
        counts = msgspec.structs.asdict((await self.checkpoint(loop)).counts)
        return {name: count for name, count in counts.items() if count}

    async def joined(self, loop: str = "default") -> dict[str, float]:
        """The rewards of the joined log by event ids, each of which is there once."""
        lines = [json.loads(line) for line in await self._lines(loop, ".dsjson.gz")]
        rewards = {line["EventId"]: 0 - line["_original_label_cost"] for line in lines}
        assert len(rewards) == len(lines)
        return rewards

    async def kept(self, loop: str = "default") -> list[str]:
        """The reasons why events are kept beside the joined log, in order."""
        return sorted(json.loads(line)["reason"] for line in await self._lines(loop, ".jsonl.gz"))

    async def blobs(self, loop: str, folder: str = "") -> dict[str, bytes]:
        """A loop's blobs, or those of one of its folders."""
        names = await self.storage.names(blob_name(self.home(loop), folder) if folder else all_homes(loop))
        found = [await self.storage.read(name) for name in names]
        return {name: blob.data for name, blob in zip(names, found, strict=True) if blob is not None}

    async def _lines(self, loop: str, suffix: str) -> list[bytes]:
        logs = await self.blobs(loop, "logs/")
        return b"".join(gzip.decompress(data) for name, data in logs.items() if name.endswith(suffix)).splitlines()


@asynccontextmanager
async def trainer(parts: Service, storage: Storage | None = None) -> AsyncIterator[Trainer]:
    """A trainer's process on the same hubs and storage, or on a given storage in place of its own."""
    process = Service(parts.settings)
    if storage is not None:
        await process.storage.close()
        process.storage, process.registry = storage, Registry(storage, Keys())
    one = Trainer(process)
    try:
        yield one
    finally:
        await asyncio.gather(one.close(), process.close())
