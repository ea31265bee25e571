"""The import of an old log into storage, against VW's native driver on the same file."""

import asyncio
import contextlib
import io
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks import command, parts, traffic
from benchmarks.figures import Figure, at_least, told
from benchmarks.trainer import driver
from migration import logs
from migration.logs import Destination
from shared.hubs import events
from shared.joined_log.joined_lines import join_line
from shared.loops.blob_names import Home
from shared.loops.config import LoopConfig
from shared.storage import Storage

SPACING_MS = 250  # 100,000 decisions in seven hours


def write(file: Path, count: int) -> None:
    """A log of `count` decisions of 10 actions, each rewarded, that ended a day ago."""
    start = round(time.time() * 1000) - 86_400_000 - count * SPACING_MS
    with file.open("wb") as lines:
        for number in range(count):
            event_id, event = traffic.interaction(number)
            reward = events.decode_observation(traffic.reward(event_id, number % 3 / 2))
            at = start + number * SPACING_MS
            lines.write(join_line(events.decode_interaction(event), at, [reward], LoopConfig()).line)


async def bring_in(storage: Storage, file: Path, home: Home, count: int) -> float:
    """Seconds of the import into a loop that has no log yet."""
    to = Destination(storage, home, LoopConfig(retention_days=-1))
    begun = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        section = await logs.bring_in([file], to, write=True, fallback=None, asked=True)
    seconds = time.perf_counter() - begun
    if not section.outcome.startswith(f"{count:,} of {count:,} "):
        raise RuntimeError(f"of {count:,} events: {section.outcome}")
    return seconds


async def _run(environment: dict[str, str], count: int, rounds: int) -> list[Figure]:
    storage = Storage(parts.settings(environment))
    taken: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "old.dsjson")
        write(file, count)
        await storage.names("")  # the SDK is imported with the first call
        for number in range(rounds):
            ours = await bring_in(storage, file, Home(f"round-{number}"), count)
            taken.append((ours, driver(file).seconds, driver(file, "-t").seconds))
    await storage.close()
    ours, learning, reading = map(median, zip(*taken, strict=True))
    measured, learned, read = (f"{count / seconds:,.0f} ev/s" for seconds in (ours, learning, reading))
    return [
        at_least(f"import, {count:,} lines, against VW learning them", learning / ours, measured, learned, 0.55),
        told("    the same, against VW only reading and predicting", measured, read, reading / ours),
    ]


def run(quick: bool = False) -> list[Figure]:
    with parts.servers() as environment:
        return asyncio.run(_run(environment, *((10_000, 1) if quick else (100_000, 5))))


if __name__ == "__main__":
    command.main("migration", __doc__, run)
