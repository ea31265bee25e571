"""One lane of a trainer: passes over the hubs, one after the other, with readers and learners of its own."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from pathlib import Path
from typing import TypeVar

from shared import scratch, telemetry
from shared.hubs.reader_pairs import Heads, Links, Pair
from shared.loops.checkpoint import Checkpoint, Plan
from shared.loops.stored import Damaged
from shared.loops.unreadable import Unreadable
from shared.settings import Settings
from shared.storage import Conflict, Storage, StorageUnavailable
from shared.training import planning
from shared.training.passes import Pass
from shared.training.run import Run
from shared.training.trainee import Trainee
from shared.vw.learners import Learners

STORES = 8  # runs that are stored at once

_log = logging.getLogger(__name__)
_Item = TypeVar("_Item")


class Lane:
    """learners: of its runs. pairs: of readers, that are kept open."""

    def __init__(self, settings: Settings, storage: Storage, learners: Learners, pairs: int) -> None:
        self._settings, self._storage, self._learners = settings, storage, learners
        self.links = Links(settings, pairs)

    async def heads(self, due: list[Trainee]) -> Heads:
        """The heads of the hubs. Meanwhile the links that are needed first are opened."""
        try:
            return await self._read_heads(furthest_behind(due))
        except BaseException:
            for trainee in due:
                trainee.forget()
                trainee.fall_behind()
            raise

    async def _read_heads(self, group: list[Trainee]) -> Heads:
        pair = await self.links.pair(_pace(group[0]))
        for reader, positions in (
            (pair.interactions, [trainee.checkpoint.interactions for trainee in group]),
            (pair.observations, [_observed(trainee) for trainee in group]),
        ):
            reader.begin([min(partition) for partition in zip(*positions, strict=False)])
        return await pair.heads()

    async def serve(self, group: list[Trainee], heads: Heads) -> list[Trainee]:
        """One pass for these loops; those of them that have not caught up with the heads."""
        with scratch.folder() as folder:
            try:
                pair = await self.links.pair(_pace(group[0]))
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
        chosen = [(one, before) for one, before in befores if before.plan is not None or before.cut < cut]
        return [
            self._run(
                trainee,
                before,
                before.plan or planning.plan(cut, heads, trainee.config),
                folder,
                alone=len(chosen) == 1,
            )
            for trainee, before in chosen
        ]

    def _run(self, trainee: Trainee, before: Checkpoint, plan: Plan, folder: Path, *, alone: bool) -> Run:
        return Run(self._storage, trainee, before, plan, folder / trainee.loop, self._learners, alone=alone)

    async def _execute(self, runs: list[Run], pair: Pair) -> None:
        failed: set[Run] = set()

        def drop(run: Run, error: Exception) -> None:
            failed.add(run)
            run.trainee.forget()
            tell(run.trainee, error)

        async def each(step: Callable[[Run], Awaitable[None]]) -> list[Run]:
            """Does the step for the runs that have not failed; those that still have not."""

            async def attempt(run: Run) -> None:
                try:
                    await step(run)
                except Exception as error:
                    drop(run, error)

            # Those that hold a learner first: others wait for them to give it back.
            going = sorted((run for run in runs if run not in failed), key=lambda run: not run.is_learning)
            await each_of(STORES, attempt, going)
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


def furthest_behind(trainees: list[Trainee]) -> list[Trainee]:
    """Of the loops that may go together, those whose events wait longest."""
    return _first(trainees, lambda trainee: trainee.checkpoint.cut)


def longest_unserved(trainees: list[Trainee]) -> list[Trainee]:
    """Of the loops that may go together, those whose turn it is: a long wait time makes events old, not a turn."""
    return _first(trainees, lambda trainee: trainee.checkpoint.committed)


def _first(trainees: list[Trainee], age: Callable[[Trainee], int]) -> list[Trainee]:
    groups: defaultdict[Hashable, list[Trainee]] = defaultdict(list)
    for trainee in trainees:
        groups[planning.together(trainee.checkpoint, trainee.config, trainee.joiner is not None)].append(trainee)
    return min(groups.values(), key=lambda group: min(map(age, group)))


def _pace(trainee: Trainee) -> Hashable:
    return trainee.config.wait, trainee.config.export


def _observed(trainee: Trainee) -> list[int]:
    return trainee.checkpoint.observations if trainee.joiner is None else trainee.checkpoint.observed


def tell(trainee: Trainee, error: Exception) -> None:
    if isinstance(error, Conflict):
        telemetry.notice(_log, f"Another trainer was faster: {error}", trainee.loop, logging.INFO)
    else:
        trainee.fall_behind()
        expected = isinstance(error, StorageUnavailable | Damaged | Unreadable)
        telemetry.error(_log, f"It was not trained: {error}", trainee.loop, None if expected else error)


async def each_of(limit: int, step: Callable[[_Item], Awaitable[None]], items: Iterable[_Item]) -> None:
    """Does the step for each item, for `limit` at once, in order."""
    slots = asyncio.Semaphore(limit)

    async def one(item: _Item) -> None:
        async with slots:
            await step(item)

    await asyncio.gather(*(one(item) for item in items))
