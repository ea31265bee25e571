"""What alarms and headlines cost the evaluator: of 100 idle loops, and of a loop with 30 days of summaries."""

import asyncio
import time
from collections.abc import Awaitable
from statistics import median

import msgspec

from benchmarks import command, parts
from benchmarks.figures import Figure, at_most
from benchmarks.summaries import DAYS_READ, START, decisions, summarised
from shared.auth import Keys
from shared.loops import checkpoint, summaries, summary, summary_names
from shared.loops.blob_names import DEFAULT_HOME, Home, home_of
from shared.loops.checkpoint import Checkpoint, Summarised
from shared.loops.config import DEFAULT_LOOP, LoopConfig
from shared.loops.registry import BLOB, LoopRecord, Registry
from shared.loops.summary import DAY_MS
from shared.loops.summary_names import DAYS
from shared.monitoring import rounds
from shared.monitoring.heartbeat import Heartbeat
from shared.monitoring.loop_round import LoopRound
from shared.monitoring.rounds import Rounds
from shared.storage import Storage
from shared.training import summary_merging

LOOPS, TIMES = 100, 5
MADE = "2026-01-01T00:00:00Z"
END = START + DAYS_READ * DAY_MS


async def _idle(storage: Storage) -> Figure:
    """A round of loops that have not changed, beside asking for their checkpoints by ETag."""
    names = [f"loop-{number}" for number in range(LOOPS)]
    records = {name: LoopRecord(MADE) for name in names}
    await storage.put(BLOB, msgspec.json.encode(records))
    for name in names:
        await _commit(storage, home_of(name, MADE))
    going = Rounds(storage, Registry(storage, Keys()), LoopConfig())
    rounds.EVERY_SECONDS, rounds.LONGEST_SECONDS, rounds.IDLE_REST = 0.0, 600.0, 0.0
    await going.go(END / 1000)
    blobs = [checkpoint.name(home_of(name, MADE)) for name in names]
    etags = [found.etag for name in blobs if (found := await storage.read(name)) is not None]
    round_, alone = list[float](), list[float]()
    for _ in range(TIMES):
        round_.append(await _milliseconds(going.go(END / 1000)))
        alone.append(await _milliseconds(_asked(storage, blobs, etags)))
    return at_most(f"round of {LOOPS} idle loops / their checkpoints alone", median(round_), median(alone), 1.5, "ms")


async def _asked(storage: Storage, names: list[str], etags: list[str]) -> None:
    for name, etag in zip(names, etags, strict=True):
        await storage.read(name, etag)


async def _busy(storage: Storage) -> Figure:
    """The first turn of a loop: two hours judged and the headline made of 30 days, beside reading their summaries."""
    made = summarised(decisions(2_000, DAY_MS // 2_000))
    for day in range(DAYS_READ):
        shifted = summary.Summary(
            stretches={at + day * DAY_MS: slots for at, slots in made.stretches.items()},
            hours={at + day * DAY_MS: hour for at, hour in made.hours.items()},
        )
        name = summary_names.rolled_up(DEFAULT_HOME, DAYS, START + day * DAY_MS, Summarised())
        await storage.put(name, summary.encode(summary_merging.shown_by(shifted, DAYS)))
    await _commit(storage, DEFAULT_HOME)
    turn, alone = list[float](), list[float]()
    for _ in range(TIMES):
        for name in ("alarms.json", "headline.json"):
            await storage.delete(f"loops/{DEFAULT_HOME}/{name}")
        one = LoopRound(storage, DEFAULT_LOOP, DEFAULT_HOME, LoopConfig())
        turn.append(await _milliseconds(one.turn(Heartbeat(), END / 1000)))
        alone.append(await _milliseconds(summaries.over(storage, DEFAULT_HOME, START, END)))
    return at_most(f"judge a loop of {DAYS_READ} days / read them", median(turn), median(alone), 3, "ms")


async def _commit(storage: Storage, home: Home) -> None:
    state = Checkpoint(cut=END, summarised=Summarised())
    await storage.put(checkpoint.name(home), checkpoint.encode(state))


async def _milliseconds(work: Awaitable[object]) -> float:
    begun = time.perf_counter()
    await work
    return (time.perf_counter() - begun) * 1e3


async def _measured(environment: dict[str, str]) -> list[Figure]:
    storage = Storage(parts.settings(environment))
    figures = [await _idle(storage), await _busy(storage)]
    await storage.close()
    return figures


def run(quick: bool = False) -> list[Figure]:
    with parts.servers() as environment:
        return asyncio.run(_measured(environment))


if __name__ == "__main__":
    command.main("rounds", __doc__, run)
