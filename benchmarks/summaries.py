"""What summaries cost: to write, against VW learning the lines; to estimate by 30 days, against reading the blobs."""

import asyncio
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import msgspec

from benchmarks import command, parts, traffic
from benchmarks.figures import Figure, at_most, told
from shared.evaluation import estimate
from shared.evaluation.intervals.interval import Interval
from shared.hubs import events
from shared.hubs.events import Interaction, key_of
from shared.joined_log.joined_lines import Joined, join_line
from shared.joined_log.summarising import Summarising
from shared.loops import commits, summaries, summary, summary_names
from shared.loops.blob_names import DEFAULT_HOME
from shared.loops.checkpoint import Checkpoint, Summarised
from shared.loops.commits import Stored
from shared.loops.config import LoopConfig
from shared.loops.policy_sums import BASELINE, ONLINE, RANDOM, PolicySums
from shared.loops.summary import DAY_MS, FIVE_MINUTES_MS, HOUR_MS
from shared.loops.summary_names import DAYS, FINE
from shared.storage import Storage
from shared.training import summary_merging
from shared.vw.policy import EARLIER_ARGUMENTS

START = 20_000 * DAY_MS
ROUNDS, DAYS_READ = 5, 30

_DRIVER = """
import sys, time, vowpalwabbit
begun = time.process_time()
vowpalwabbit.Workspace(arg_list=sys.argv[1:]).finish()
print(time.process_time() - begun)
"""

Decision = tuple[int, Interaction, Joined]


def decisions(count: int, step: int) -> list[Decision]:
    """Of ten actions with five features each, half of them rewarded, `step` ms apart; probabilities are a model's."""
    chance, made = random.Random(1), []
    for number in range(count):
        p = [chance.random() ** 3 + 1e-3 for _ in range(10)]
        event = events.decode_interaction(traffic.interaction(number)[1])
        event = msgspec.structs.replace(event, model="m", p=[one / sum(p) for one in p])
        at, reward = START + number * step, chance.random() if number % 2 else 0.0
        joined = join_line(event, at, [], msgspec.structs.replace(LoopConfig(), default_reward=reward))
        made.append((at, event, joined))
    return made


def summarised(some: list[Decision]) -> summary.Summary:
    made = Summarising(0.0)
    for at, event, joined in some:
        made.join(at, event, joined, 1, key_of(event.id))
    return made.finished()


def writing(count: int) -> Figure:
    """Microseconds of the processor for each decision."""
    some = decisions(count, 10)
    own, learning = list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "joined.dsjson")
        lines.write_bytes(b"".join(joined.line for _, _, joined in some))
        for _ in range(ROUNDS):
            begun = time.process_time()
            summary.encode(summarised(some))
            own.append((time.process_time() - begun) / count * 1e6)
            learning.append(_learning(lines) / count * 1e6)
    return at_most("summary of a decision / VW learns it", median(own), median(learning), 0.3, "us")


def estimates(sums: PolicySums) -> tuple[float, Interval]:
    """A policy's value, and its 95 % interval."""
    rewards = Interval(0.0, 1.0)
    return estimate.value_of(sums, rewards), estimate.quick_interval(sums, rewards)


def _learning(lines: Path) -> float:
    """Seconds of the processor that VW's native driver needs for the lines, in a process of its own."""
    arguments = [*EARLIER_ARGUMENTS.split(), "-d", str(lines), "--dsjson", "--quiet"]
    done = subprocess.run([sys.executable, "-c", _DRIVER, *arguments], check=True, capture_output=True, text=True)
    return float(done.stdout)


async def reading(environment: dict[str, str]) -> list[Figure]:
    storage, figures = Storage(parts.settings(environment)), list[Figure]()
    made = summarised(decisions(2_000, DAY_MS // 2_000))
    after = START + (DAYS_READ + 1) * DAY_MS
    state = Checkpoint(cut=after, summarised=Summarised(0))
    await commits.save(storage, DEFAULT_HOME, Stored(state, None), state)
    for day in range(DAYS_READ):
        shifted = summary.Summary(
            stretches={at + day * DAY_MS: slots for at, slots in made.stretches.items()},
            hours={at + day * DAY_MS: hour for at, hour in made.hours.items()},
        )
        for kind in (FINE, DAYS):
            name = summary_names.rolled_up(DEFAULT_HOME, kind, START + day * DAY_MS, Summarised(0))
            await storage.put(name, summary.encode(summary_merging.shown_by(shifted, kind)))
    for kind, span in ((DAYS, HOUR_MS), (FINE, FIVE_MINUTES_MS)):
        names = [name for name in await storage.names(summary_names.prefix(DEFAULT_HOME)) if f"/{kind}/" in name]
        read, alone = list[float](), list[float]()
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            found = await summaries.over(storage, DEFAULT_HOME, START, after, span)
            estimated = [estimates(found.summary.total(policy)) for policy in (ONLINE, BASELINE, RANDOM)]
            read.append((time.perf_counter() - begun) * 1e3)
            assert float(found.summary.served().n) == 2_000 * DAYS_READ
            assert all(low <= value <= high for value, (low, high) in estimated)
            begun = time.perf_counter()
            await asyncio.gather(*map(storage.read, names))
            alone.append((time.perf_counter() - begun) * 1e3)
        each = "hours" if kind == DAYS else "five minutes"
        name = f"Online, Baseline1 and BaselineRand over {DAYS_READ} days by {each} / reading the blobs"
        ratio = median(read) / median(alone)
        if kind == DAYS:
            figures.append(at_most(name, median(read), median(alone), 3, "ms"))
        else:
            figures.append(told(name, f"{median(read):,.0f} ms", f"{median(alone):,.0f} ms", ratio))
    await storage.close()
    return figures


def run(quick: bool = False) -> list[Figure]:
    with parts.servers() as environment:
        return [writing(2_000 if quick else 20_000), *asyncio.run(reading(environment))]


if __name__ == "__main__":
    command.main("summaries", __doc__, run)
