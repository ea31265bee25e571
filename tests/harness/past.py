"""A loop with days behind it: summaries of simulated decisions, stored as its trainer would have stored them."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from harness import traffic, visitors
from harness.traffic import Loop
from shared.loops import commits, summary, summary_names
from shared.loops.blob_names import Home
from shared.loops.checkpoint import Checkpoint, Summarised
from shared.loops.gathering import Gatherer
from shared.loops.summary import DAY_MS, HOUR_MS, Summary
from shared.loops.summary_names import HOURS, OF_DAY
from shared.storage import Storage
from shared.training import summary_merging

Course = Callable[[float], Loop]


async def give(storage: Storage, home: Home, days: int, course: Course, until: int, seed: int = 1) -> Summary:
    """Summaries of the days before an instant (ms), and a checkpoint that has them; all of them, by five minutes.

    course: what the loop is like at a share of this time, from 0 to 1.
    """
    chance, (start, end), whole = random.Random(seed), span(days, until), Summary()
    for at in range(start, end, HOUR_MS):
        whole.absorb(_hour(course((at - start) / (end - start)), at, chance))
    await put(storage, home, whole, start, end)
    return whole


def span(days: int, until: int) -> tuple[int, int]:
    """So many days before an instant and the whole hours of its own, in ms since 1970."""
    end = until - until % HOUR_MS
    return end - end % DAY_MS - days * DAY_MS, end


async def put(storage: Storage, home: Home, whole: Summary, start: int, end: int) -> None:
    """Stores what happened from a day's start on up to a full hour, and a checkpoint that has it."""
    known = Summarised(since=start)
    for day in range(start, end, DAY_MS):
        if day + DAY_MS <= end:
            made = whole.within(day, day + DAY_MS)
            for kind in OF_DAY:
                await _store(storage, home, kind, day, known, summary_merging.shown_by(made, kind))
        else:
            for at in range(day, end, HOUR_MS):
                await _store(storage, home, HOURS, at, known, whole.within(at, at + HOUR_MS))

    def lived(state: Checkpoint) -> Checkpoint:
        return msgspec.structs.replace(state, cut=max(state.cut, end), summarised=known)

    await commits.amend(storage, home, lived)


async def _store(storage: Storage, home: Home, kind: str, at: int, known: Summarised, made: Summary) -> None:
    await storage.put(summary_names.rolled_up(home, kind, at, known), summary.encode(made))


def _hour(loop: Loop, at: int, chance: random.Random) -> Summary:
    gatherer = Gatherer()
    for _ in range(max(0, round(chance.gauss(loop.daily / 24, (loop.daily / 24) ** 0.5)))):
        traffic._decide(gatherer, loop, at + chance.randrange(HOUR_MS), 1.0, chance)
    made = gatherer.finished()
    made.features = {at: visitors.sampled(loop.sees, (at - traffic.START) // HOUR_MS, made.fate("shown"))}
    return made
