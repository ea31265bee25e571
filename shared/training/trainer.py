"""The trainer: one tick serves every loop that is due, with one pass over the hubs for those that go together."""

import asyncio
import functools
import logging
import os
import time

from shared import scratch, telemetry
from shared.loops.config import DEFAULT_LOOP, new_loop
from shared.loops.unreadable import Unreadable
from shared.monitoring.heartbeat import Pulse
from shared.monitoring.refused import Folding
from shared.serving import service
from shared.serving.service import Service
from shared.training import lane
from shared.training.erasing import Erasing
from shared.training.housekeeping import Housekeeping
from shared.training.kept_files import KeptFiles
from shared.training.lane import Lane
from shared.training.trainee import Trainee
from shared.vw.learners import Learners
from shared.vw.zygote import Zygote

LOOKS = 16  # loops that are looked at at once
# Loops that are not due whose configuration is looked at in a tick, for they may have become so.
PEEKS = 4
LEARNERS = max(1, min(4, os.cpu_count() or 1))
# Event Hubs lets five readers into a partition: two trainers at once leave room for one that has just died.
KEPT_PAIRS = 2
# After so long (s) a tick leaves what is to be caught up with to the next one, and looks for other loops so often.
CATCHING_UP_SECONDS, PAUSE_SECONDS = 60.0, 1.0

_log = logging.getLogger(__name__)


class Trainer:
    """Trains the loops of a deployment. Any number may run at once: they agree on a loop's plan or one gives way."""

    def __init__(self, parts: Service) -> None:
        self._settings, self._storage, self._registry = parts.settings, parts.storage, parts.registry
        self._zygote = Zygote()
        self._usual = Lane(parts.settings, parts.storage, Learners(LEARNERS, self._zygote), KEPT_PAIRS)
        self._late = Lane(parts.settings, parts.storage, Learners(1, self._zygote), 1)
        self._trainees: dict[str, Trainee] = {}
        self._kept = KeptFiles()
        self._pulse, self._folding = Pulse(parts.storage), Folding(parts.storage)
        self._housekeeping = Housekeeping(parts.storage)
        self._erasing = Erasing(parts.settings, parts.storage)
        self._ticking = asyncio.Lock()

    async def tick(self) -> None:
        """Runs what is due, until it has caught up with the hubs as they are now. One loop's failure is logged.

        One tick at a time, for its readers and loops are those of the process: another one waits.
        """
        async with self._ticking:
            await self._tick_alone()

    async def _tick_alone(self) -> None:
        if not self._trainees:
            await asyncio.to_thread(scratch.sweep)
        began = time.time()
        try:
            await self._tick(began)
        except Exception:
            await self._pulse.beat(self._behind(), began, done=False)
            raise
        await self._pulse.beat(self._behind(), began, done=True)
        self._housekeeping.start(list(self._trainees.values()))
        await self._folding.run()

    async def _tick(self, began: float) -> None:
        """Loops that have something to catch up with are served beside the others, which do not wait for them."""
        behind: asyncio.Task[None] | None = None
        joining: list[Trainee] = []
        await self._meet()
        try:
            while True:
                await self._erasing.start(self._trainees)
                due = await self._due()
                late = [trainee for trainee in due if trainee.has_to_catch_up]
                for trainee in late:
                    trainee.is_busy = True
                joining += late
                if late and behind is None:
                    behind = asyncio.create_task(self._catch_up(joining, began))
                await self._serve([trainee for trainee in due if not trainee.has_to_catch_up], began)
                if behind is None:
                    return None
                done, _ = await asyncio.wait([behind], timeout=PAUSE_SECONDS)
                if done:
                    return await behind
        finally:
            if behind is not None:
                behind.cancel()
                await asyncio.wait([behind])
            for trainee in joining:
                trainee.is_busy = False

    async def _serve(self, due: list[Trainee], began: float) -> None:
        """Serves loops until they have caught up with the hubs as they were at the beginning."""
        if not due:
            return
        heads = await self._usual.heads(due)
        while due:
            group = lane.furthest_behind(due)
            left = [trainee for trainee in await self._usual.serve(group, heads) if not trainee.has_to_catch_up]
            due = [trainee for trainee in due if trainee not in group] + left
            await self._pulse.beat(self._behind(), began, done=False)

    async def _catch_up(self, joining: list[Trainee], began: float) -> None:
        """Serves loops a part at a time, in turns, until they have caught up or the tick has taken long enough.

        joining: those that begin; more may come to it meanwhile.
        """
        self._usual.links.most = 1  # Event Hubs lets few readers into a partition
        late, served = list[Trainee](), list[Trainee]()
        try:
            while (late or joining) and time.time() - began < CATCHING_UP_SECONDS:
                late, served = [*late, *joining], [*served, *joining]
                joining.clear()
                group = lane.longest_unserved(late)
                cuts = [trainee.checkpoint.cut for trainee in group]
                await self._late.serve(group, await self._late.heads(group))
                # Where no run was possible, as behind a wait time that was made longer, none is for a while.
                idle = [one for one, cut in zip(group, cuts, strict=True) if one.checkpoint.cut == cut]
                for one in group:
                    if one.ran and not one.has_to_catch_up:
                        one.is_busy = False
                        served.remove(one)
                late = [one for one in late if one.ran and one.has_to_catch_up and one not in idle]
        finally:
            for trainee in served:
                trainee.is_busy = False
            await self._late.links.close()
            self._usual.links.most = KEPT_PAIRS

    def _behind(self) -> dict[str, float]:
        return {loop: trainee.behind for loop, trainee in self._trainees.items() if trainee.behind is not None}

    async def close(self) -> None:
        await self._erasing.close()
        await self._housekeeping.close()
        await asyncio.gather(self._usual.links.close(), self._late.links.close(), self._zygote.close())

    async def _due(self) -> list[Trainee]:
        await self._meet()
        now = time.time()
        idle = [trainee for trainee in self._trainees.values() if not trainee.is_busy]
        known = sorted(idle, key=lambda trainee: trainee.looked)
        waiting = [trainee for trainee in known if not trainee.is_due(now)][:PEEKS]
        due: list[Trainee] = []

        async def look(trainee: Trainee) -> None:
            try:
                if await trainee.look(self._storage, self._registry, now):
                    due.append(trainee)
                else:
                    trainee.behind = None
            except Exception as error:
                lane.tell(trainee, error)

        await lane.each_of(LOOKS, look, [*waiting, *(trainee for trainee in known if trainee.is_due(now))])
        return due

    async def _meet(self) -> None:
        """Knows the loops that there are; one that was made anew is another."""
        try:
            await self._registry.refresh()
        except Unreadable as error:
            telemetry.error(_log, f"{error} Those that are known go on.")
        made = {DEFAULT_LOOP: ""} | {name: record.created for name, record in self._registry.loops.items()}
        known = self._trainees
        self._trainees = {
            name: known[name]
            if name in known and known[name].created == created
            else Trainee(name, created, new_loop(self._settings), self._kept)
            for name, created in made.items()
        }
        if not known:
            for name, since in (await self._pulse.recall()).items():
                if name in self._trainees:
                    self._trainees[name].behind = since


@functools.cache
def current() -> Trainer:
    """The trainer of this process."""
    return Trainer(service.current())


async def run() -> None:
    """One tick of the timer."""
    await current().tick()
