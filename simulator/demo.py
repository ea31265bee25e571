"""One scenario played against a running service: visitors, what is seen of the models, and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import ClientError

from shared.loops.counts import Counts
from shared.storage import StorageUnavailable
from simulator.admin import Admin, Refused, watchable
from simulator.display import FRAME_SECONDS, Display, Snapshot
from simulator.scenario import Scenario
from simulator.score import Score, doubts, last_part, parts
from simulator.visitors import Visitors

POLL_SECONDS = 0.5
SETTLE_SECONDS = 20.0
SUMMARY_PARTS = 8

CountEvents = Callable[[], Awaitable[Counts]]


@dataclass(frozen=True, slots=True)
class Run:
    """What is played. `wait`: the rewardWaitTime, in seconds."""

    scenario: Scenario
    seconds: float
    seed: int
    wait: float


class Models:
    """The models that were seen to be published."""

    def __init__(self) -> None:
        self.count = 0
        self.made: datetime | None = None

    @property
    def age(self) -> float | None:
        """Seconds since the current one was made; None before the first."""
        return max(0.0, (datetime.now(UTC) - self.made).total_seconds()) if self.made else None

    async def watch(self, admin: Admin) -> None:
        """Asks the service for ever."""
        self.made = await admin.model_made()
        while True:
            await asyncio.sleep(POLL_SECONDS)
            with contextlib.suppress(Refused, ClientError, TimeoutError):
                made = await admin.model_made()
                self.count += made != self.made
                self.made = made


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run. `counts` is None where nobody tells them, or when they come too late to wait for."""

    run: Run
    visitors: Visitors
    models: int
    dropped: int
    counts: Counts | None

    @property
    def last(self) -> Score | None:
        return last_part(self.visitors.encounters, self.run.seconds)

    @property
    def lost(self) -> int:
        """Acknowledged ranks that were not learned, and acknowledged rewards that were not joined."""
        if self.counts is None:
            return self.dropped
        ranks, rewards = self.visitors.ranked - _ranks(self.counts), self.visitors.rewarded - _rewards(self.counts)
        return max(0, ranks) + max(0, rewards)

    @property
    def doubts(self) -> list[str]:
        """Why this run does not show a loop that learns; empty if it does."""
        found = doubts(self.last)
        return [*found, f"{self.lost:,} acknowledged events are missing"] if self.lost else found


async def play(run: Run, url: str, key: str, admin_key: str, display: Display, count: CountEvents | None) -> Result:
    """Plays a scenario. The service's configuration is afterwards what it was."""
    models = Models()
    visitors = Visitors(run.scenario, url, key, run.seed, run.seconds)
    async with Admin(url, admin_key) as admin, watchable(admin, run.wait):
        watching = asyncio.create_task(models.watch(admin))
        try:
            visitors.start()
            while visitors.running and not visitors.hopeless:
                display.show(_snapshot(run, visitors, models))
                await asyncio.sleep(FRAME_SECONDS)
            display.show(_snapshot(run, visitors, models), last=True)
            counts = await _settled(visitors, count) if count and run.wait < SETTLE_SECONDS else None
            return Result(run, visitors, models.count, await admin.dropped(), counts)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await asyncio.to_thread(visitors.stop)


def summary(result: Result) -> list[str]:
    """The result in a few lines."""
    run, visitors, last = result.run, result.visitors, result.last
    gains = [
        "-" if one is None else f"{one.gain:.0%}" for one in parts(visitors.encounters, run.seconds, SUMMARY_PARTS)
    ]
    lines = [f"{run.scenario.name}: {'not learned' if result.doubts else 'learned'}"]
    if last is not None:
        lines += [
            f"  last quarter    reward {last.reward:.3f}; random {last.uniform:.3f}, best possible {last.optimal:.3f}",
            f"                  {last.gain:.0%} of the possible gain, {last.standard_errors:.0f} standard errors "
            "above random",
        ]
    return [
        *lines,
        f"  gain by eighth  {'  '.join(gains)}",
        f"  visits          {len(visitors.encounters):,} ranked and rewarded, {visitors.failed} failed calls",
        f"  models          {result.models} published",
        f"  events          {_ledger(result)}",
        *(f"  !               {doubt}" for doubt in result.doubts),
    ]


async def _settled(visitors: Visitors, count: CountEvents) -> Counts:
    """The counts when everything acknowledged is in them, or when that takes too long."""
    deadline = time.monotonic() + SETTLE_SECONDS
    counts = Counts()
    while True:
        with contextlib.suppress(StorageUnavailable):
            counts = await count()
        joined = _ranks(counts) >= visitors.ranked and _rewards(counts) >= visitors.rewarded
        if joined or time.monotonic() > deadline:
            return counts
        await asyncio.sleep(POLL_SECONDS)


def _ranks(counts: Counts) -> int:
    return counts.learned + counts.skipped + counts.rejected


def _rewards(counts: Counts) -> int:
    return counts.matched + counts.late


def _ledger(result: Result) -> str:
    acknowledged = f"{result.visitors.ranked:,} ranks and {result.visitors.rewarded:,} rewards acknowledged"
    if result.counts is None:
        return f"{acknowledged}, {result.dropped} dropped"
    counts = result.counts
    return f"{acknowledged}; {counts.learned:,} learned, {counts.matched:,} joined, {counts.late} late"


def _snapshot(run: Run, visitors: Visitors, models: Models) -> Snapshot:
    return Snapshot(
        name=run.scenario.name,
        story=run.scenario.story,
        seconds=run.seconds,
        elapsed=visitors.elapsed,
        encounters=visitors.encounters[:],
        failed=visitors.failed,
        models=models.count,
        model_age=models.age,
    )
