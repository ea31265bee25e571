"""The trainer: one tick serves every loop that is due, with one pass over the hubs for those that go together."""

import asyncio
import functools
import logging
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from shared import telemetry
from shared.hubs.reader_pairs import Heads, Links, Pair
from shared.loops.checkpoint import Checkpoint, Plan
from shared.loops.config import DEFAULT_LOOP, new_loop
from shared.monitoring.heartbeat import Pulse
from shared.serving import service
from shared.serving.service import Service
from shared.storage import Conflict, StorageUnavailable
from shared.training import planning
from shared.training.passes import Pass
from shared.training.run import Run
from shared.training.trainee import Trainee

# Loops looked at, and runs stored, at once.
LOOKS, STORES = 16, 8
# Loops that are not due whose configuration is looked at in a tick, for they may have become so.
PEEKS = 4
LEARNERS = max(1, min(4, os.cpu_count() or 1))

_log = logging.getLogger(__name__)
_Item = TypeVar("_Item")


class Trainer:
    """Trains the loops of a deployment. Any number may run at once: they agree on a loop's plan or one gives way."""

    def __init__(self, parts: Service) -> None:
        self._settings, self._storage, self._registry = parts.settings, parts.storage, parts.registry
        self._links = Links(parts.settings)
        self._trainees: dict[str, Trainee] = {}
        self._pulse = Pulse(parts.storage)
        self._learners = asyncio.Semaphore(LEARNERS)
        self._ticking = asyncio.Lock()

    async def tick(self) -> None:
        """Runs what is due, until it has caught up with the hubs as they are now. One loop's failure is logged.

        One tick at a time, for its readers and loops are those of the process: another one waits.
        """
        async with self._ticking:
            await self._tick_alone()

    async def _tick_alone(self) -> None:
        began = time.time()
        try:
            await self._tick(began)
        except Exception:
            await self._pulse.beat(self._behind(), began, done=False)
            raise
        await self._pulse.beat(self._behind(), began, done=True)

    async def _tick(self, began: float) -> None:
        due = await self._due()
        if not due:
            return
        try:
            heads = await self._heads(due)
        except BaseException:
            for trainee in due:
                trainee.forget()
                trainee.fall_behind()
            raise
        while due:
            group = _oldest(due)
            due = [trainee for trainee in due if trainee not in group]
            due += await self._serve(group, heads)
            await self._pulse.beat(self._behind(), began, done=False)

    def _behind(self) -> dict[str, float]:
        return {loop: trainee.behind for loop, trainee in self._trainees.items() if trainee.behind is not None}

    async def close(self) -> None:
        await self._links.close()

    async def _due(self) -> list[Trainee]:
        await self._meet()
        now = time.time()
        known = sorted(self._trainees.values(), key=lambda trainee: trainee.looked)
        waiting = [trainee for trainee in known if not trainee.is_due(now)][:PEEKS]
        due: list[Trainee] = []

        async def look(trainee: Trainee) -> None:
            try:
                if await trainee.look(self._storage, self._registry, now):
                    due.append(trainee)
                else:
                    trainee.behind = None
            except Exception as error:
                _tell(trainee, error)

        await _each(LOOKS, look, [*waiting, *(trainee for trainee in known if trainee.is_due(now))])
        return due

    async def _meet(self) -> None:
        """Knows the loops that there are; one that was made anew is another."""
        try:
            await self._registry.refresh()
        except msgspec.DecodeError as error:
            telemetry.error(_log, f"The loops are damaged ({error}); those that are known go on.")
        made = {DEFAULT_LOOP: ""} | {name: record.created for name, record in self._registry.loops.items()}
        known = self._trainees
        self._trainees = {
            name: known[name]
            if name in known and known[name].created == created
            else Trainee(name, created, new_loop(self._settings))
            for name, created in made.items()
        }
        if not known:
            for name, since in (await self._pulse.recall()).items():
                if name in self._trainees:
                    self._trainees[name].behind = since

    async def _heads(self, due: list[Trainee]) -> Heads:
        """The heads of the hubs. Meanwhile the links that are needed first are opened."""
        group = _oldest(due)
        pair = await self._links.pair(_pace(group[0]))
        for reader, positions in (
            (pair.interactions, [trainee.checkpoint.interactions for trainee in group]),
            (pair.observations, [_observed(trainee) for trainee in group]),
        ):
            reader.begin([min(partition) for partition in zip(*positions, strict=False)])
        return await pair.heads()

    async def _serve(self, group: list[Trainee], heads: Heads) -> list[Trainee]:
        """One pass for these loops; those of them that have not caught up with the heads."""
        with tempfile.TemporaryDirectory(prefix="open-personalizer-") as folder:
            try:
                pair = await self._links.pair(_pace(group[0]))
                runs = await self._plan(group, heads, pair, Path(folder))
                if runs:
                    await self._execute(runs, pair)
            except BaseException as error:
                for trainee in group:
                    trainee.forget()
                    trainee.fall_behind()
                if not isinstance(error, Exception):
                    raise
                loops = ", ".join(trainee.loop for trainee in group)
                telemetry.error(_log, f"The hubs could not be read for {loops}: {error}", cause=error)
                return []
        left = [run.trainee for run in runs if run.trainee.joiner is not None]
        left = [trainee for trainee in left if trainee.checkpoint.cut < self._latest(trainee, heads)]
        for trainee in group:
            if trainee.ran:  # else it has failed, or another trainer was faster
                trainee.behind = self._due_at(trainee) if trainee in left else None
        return left

    async def _plan(self, group: list[Trainee], heads: Heads, pair: Pair, folder: Path) -> list[Run]:
        """The runs of a pass; none if there is nothing to do."""
        planned = group[0].checkpoint.plan
        if planned is not None:
            befores = [(trainee, trainee.checkpoint) for trainee in group]
            cut = planned.cut
        else:
            befores = [(one, planning.realigned(one.checkpoint, *heads[1:])) for one in group]
            wanted = any(trainee.wanted for trainee in group)
            latest = self._latest(group[0], heads)
            found = await planning.cut([before for _, before in befores], latest, heads, pair.interactions, wanted)
            if found is None:
                return []
            cut = found
        return [
            self._run(trainee, before, before.plan or planning.plan(cut, heads, trainee.config), folder)
            for trainee, before in befores
            if before.plan is not None or before.cut < cut
        ]

    def _run(self, trainee: Trainee, before: Checkpoint, plan: Plan, folder: Path) -> Run:
        return Run(self._storage, trainee, before, plan, folder / trainee.loop, self._learners)

    async def _execute(self, runs: list[Run], pair: Pair) -> None:
        failed: set[Run] = set()

        def drop(run: Run, error: Exception) -> None:
            failed.add(run)
            run.trainee.forget()
            _tell(run.trainee, error)

        async def each(step: Callable[[Run], Awaitable[None]]) -> list[Run]:
            """Does the step for the runs that have not failed; those that still have not."""

            async def attempt(run: Run) -> None:
                try:
                    await step(run)
                except Exception as error:
                    drop(run, error)

            # Those that hold a learner first: others wait for them to give it back.
            going = sorted((run for run in runs if run not in failed), key=lambda run: not run.is_learning)
            await _each(STORES, attempt, going)
            return [run for run in runs if run not in failed]

        begun = await each(Run.begin)
        try:
            if begun:
                one = Pass(pair, begun, drop)
                await one.observe()
                reached = await one.close()
                await asyncio.gather(*(run.release() for run in failed), return_exceptions=True)  # others may wait
                await each(lambda run: run.end(reached))
        finally:
            await asyncio.gather(*(run.close() for run in begun), return_exceptions=True)  # `end` has told of it

    def _latest(self, trainee: Trainee, heads: Heads) -> int:
        return int((heads.clock - trainee.config.wait - self._settings.clock_skew_seconds) * 1000)

    def _due_at(self, trainee: Trainee) -> float:
        """When what is behind its cut was to be closed, s since 1970."""
        return trainee.checkpoint.cut / 1000 + trainee.config.wait + self._settings.clock_skew_seconds


def _oldest(trainees: list[Trainee]) -> list[Trainee]:
    """Of the loops that may go together, those that are furthest behind."""
    groups: defaultdict[Hashable, list[Trainee]] = defaultdict(list)
    for trainee in trainees:
        groups[planning.together(trainee.checkpoint, trainee.config, trainee.joiner is not None)].append(trainee)
    return min(groups.values(), key=lambda group: min(trainee.checkpoint.cut for trainee in group))


def _pace(trainee: Trainee) -> Hashable:
    return trainee.config.wait, trainee.config.export


def _observed(trainee: Trainee) -> list[int]:
    return trainee.checkpoint.observations if trainee.joiner is None else trainee.checkpoint.observed


def _tell(trainee: Trainee, error: Exception) -> None:
    if isinstance(error, Conflict):
        telemetry.notice(_log, f"Another trainer was faster: {error}", trainee.loop, logging.INFO)
    else:
        trainee.fall_behind()
        expected = isinstance(error, StorageUnavailable | msgspec.DecodeError)
        telemetry.error(_log, f"It was not trained: {error}", trainee.loop, None if expected else error)


async def _each(limit: int, step: Callable[[_Item], Awaitable[None]], items: Iterable[_Item]) -> None:
    """Does the step for each item, for `limit` at once, in order."""
    slots = asyncio.Semaphore(limit)

    async def one(item: _Item) -> None:
        async with slots:
            await step(item)

    await asyncio.gather(*(one(item) for item in items))


@functools.cache
def current() -> Trainer:
    """The trainer of this process."""
    return Trainer(service.current())


async def run() -> None:
    """One tick of the timer."""
    await current().tick()
