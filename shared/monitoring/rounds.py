"""The rounds of all loops: alarms are judged for each hour that has closed, headlines made of new summaries.

What has not changed is not read again: of an idle loop, a round asks for the checkpoint by its ETag, and nothing else.
"""

import logging
import math
import time

from shared import telemetry
from shared.loops.blob_names import Home, home_of
from shared.loops.config import DEFAULT_LOOP, LoopConfig
from shared.loops.registry import Registry
from shared.loops.stored import Damaged
from shared.loops.summaries import Gone
from shared.loops.unreadable import LaterVersion
from shared.monitoring import heartbeat
from shared.monitoring.heartbeat import Heartbeat
from shared.monitoring.loop_round import LoopRound
from shared.storage import Conflict, Storage, StorageUnavailable

# A round is begun so often, and left for the next time when it takes longer than this: evaluations wait meanwhile.
EVERY_SECONDS, LONGEST_SECONDS = 30.0, 20.0
# A loop is left alone for so many times what its last turn took: what one loop costs the others is bounded.
REST = 50
# One that has not changed, for this share of the time since it did, and IDLE_SECONDS at most.
IDLE_REST, IDLE_SECONDS = 0.1, 300.0
# And for so long after a failure.
FAILED_SECONDS = 300.0

_log = logging.getLogger(__name__)


class Rounds:
    """Those of one process. Any number may go round at once: what another one has written meanwhile stays."""

    def __init__(self, storage: Storage, registry: Registry, initial: LoopConfig) -> None:
        self._storage, self._registry, self._initial = storage, registry, initial
        self._loops: dict[Home, LoopRound] = {}
        self._rests: dict[Home, float] = {}
        self._changed: dict[Home, float] = {}
        self._waiting: list[tuple[str, Home]] = []
        self._began = -math.inf

    async def go(self, now: float | None = None) -> None:
        """Goes on with a round, or begins one if it is time. now: s since 1970."""
        began = time.monotonic()
        if not self._waiting:
            if began - self._began < EVERY_SECONDS:
                return
            self._began = began
            await self._begin()
        beat = await heartbeat.load(self._storage)
        while self._waiting and time.monotonic() - began < LONGEST_SECONDS:
            loop, home = self._waiting.pop(0)
            await self._turn(loop, home, beat, time.time() if now is None else now)

    async def _begin(self) -> None:
        """All loops, and those that are gone forgotten."""
        await self._registry.refresh()
        created = {DEFAULT_LOOP: ""} | {name: record.created for name, record in self._registry.loops.items()}
        homes = {home_of(loop, at): loop for loop, at in created.items()}
        self._loops = {home: one for home, one in self._loops.items() if home in homes}
        self._rests = {home: until for home, until in self._rests.items() if home in homes}
        self._changed = {home: since for home, since in self._changed.items() if home in homes}
        self._waiting = [(loop, home) for home, loop in homes.items()]

    async def _turn(self, loop: str, home: Home, beat: Heartbeat, now: float) -> None:
        began = time.monotonic()
        if began < self._rests.get(home, -math.inf):
            return
        one = self._loops.setdefault(home, LoopRound(self._storage, loop, home, self._initial))
        try:
            worked = await one.turn(beat, now)
        except (Conflict, Gone):
            del self._loops[home]  # another process was faster: the next turn begins with what it has written
        except (StorageUnavailable, Damaged, LaterVersion) as error:
            telemetry.notice(_log, f"Its alarms are judged later: {error}", loop)
            self._rests[home] = time.monotonic() + FAILED_SECONDS
        except Exception as error:
            telemetry.error(_log, f"Its alarms were not judged: {error}", loop, error)
            self._rests[home] = time.monotonic() + FAILED_SECONDS
        else:
            ended = time.monotonic()
            since = self._changed.setdefault(home, ended)
            if worked:
                self._changed[home], rest = ended, REST * (ended - began)
            else:
                rest = min(IDLE_REST * (ended - since), IDLE_SECONDS)
            self._rests[home] = ended + rest
