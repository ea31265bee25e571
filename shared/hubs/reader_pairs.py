"""Connections of a trainer to the event hubs: a pair of readers for each pace of training, the last few kept open."""

import asyncio
import time
from collections.abc import Hashable
from typing import NamedTuple

from shared.hubs import clients
from shared.hubs.reader import HubReader
from shared.settings import Settings


class Heads(NamedTuple):
    """How far both hubs reach: the last sequence number of each partition, read after `clock` (s since 1970).

    What was enqueued `clock_skew_seconds` before the clock, or earlier, is below the heads.
    """

    clock: float
    interactions: list[int]
    observations: list[int]


class Pair:
    """A reader of each hub."""

    def __init__(self, settings: Settings) -> None:
        self.interactions, self.observations = (
            HubReader(clients.consumer(settings, hub), settings.event_hubs_partitions)
            for hub in (settings.interactions_hub, settings.observations_hub)
        )

    async def heads(self) -> Heads:
        clock = time.time()
        return Heads(clock, *await asyncio.gather(self.interactions.heads(), self.observations.heads()))

    async def close(self) -> None:
        await asyncio.gather(self.interactions.close(), self.observations.close())


class Links:
    """Pairs of readers. Opening one takes a second, so those in use stay open, `most` at the most."""

    def __init__(self, settings: Settings, most: int) -> None:
        self._settings, self.most = settings, most
        self._pairs: dict[Hashable, Pair] = {}

    async def pair(self, pace: Hashable) -> Pair:
        """The pair for loops of this pace; ends the one that has not been used for longest if there are too many."""
        pair = self._pairs.pop(pace, None)
        while len(self._pairs) >= self.most:
            await self._pairs.pop(next(iter(self._pairs))).close()
        self._pairs[pace] = pair or Pair(self._settings)
        return self._pairs[pace]

    async def close(self) -> None:
        await asyncio.gather(*(pair.close() for pair in self._pairs.values()))
        self._pairs.clear()
