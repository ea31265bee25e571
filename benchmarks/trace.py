"""A trace over HTTP of an event of the last hour, a million of them being logged, beside one read of a small blob."""

import asyncio
import itertools
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import command, parts, traffic
from benchmarks.client import Client
from benchmarks.figures import Figure, told
from benchmarks.host import Host
from shared.hubs import events
from shared.joined_log import event_index
from shared.joined_log.joined_lines import join_line
from shared.joined_log.log_file import Keyed, LogFile, log_name
from shared.loops import checkpoint
from shared.loops.blob_names import DEFAULT_HOME
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.serving.service import Service
from shared.storage import Storage

GOAL_MS = 50.0
# So many runs of about a minute leave more indexes than 60 do, as many as any number near it.
HOUR_MS, RUNS = 3_600_000, 71
TEMPLATES = 200


def joined(count: int) -> Iterator[Keyed]:
    """Joined lines with ids of their own, half of them rewarded."""
    lines = []
    for number in range(TEMPLATES):
        event_id, event = traffic.interaction(number)
        rewards = [events.decode_observation(traffic.reward(event_id, 0.5))] if number % 2 else []
        lines.append((event_id.encode(), join_line(events.decode_interaction(event), 0, rewards, LoopConfig()).line))
    for number in range(count):
        template, line = lines[number % TEMPLATES]
        event_id = f"event-{number:08d}"
        yield events.key_of(event_id), line.replace(template, event_id.encode())


async def fill(storage: Storage, count: int) -> None:
    """Writes the log of an hour as the trainer does, run by run, and the checkpoint that commits it."""
    lines, begin = joined(count), int(time.time() * 1000) - HOUR_MS
    cut = begin
    with tempfile.TemporaryDirectory() as folder:
        for run in range(RUNS):
            cut, file = begin + (run + 1) * HOUR_MS // RUNS, Path(folder, "log")
            log, late = LogFile(file), LogFile(Path(folder, "late"))
            log.write(itertools.islice(lines, (run + 1) * count // RUNS - run * count // RUNS))
            log.close()
            late.close()
            await storage.create(log_name(DEFAULT_HOME, cut, "joined"), file)
            await event_index.publish(storage, DEFAULT_HOME, cut, log.entries, late.entries, Path(folder))
            await event_index.merge(storage, DEFAULT_HOME)
    await storage.put(checkpoint.name(DEFAULT_HOME), checkpoint.encode(Checkpoint(cut=cut)))


def request(number: int) -> bytes:
    """A GET of a trace as it travels."""
    return (
        f"GET /loops/default/events/event-{number:08d} HTTP/1.1\r\nHost: localhost\r\n"
        f"Ocp-Apim-Subscription-Key: {parts.KEYS['ADMIN_KEYS']}\r\n\r\n"
    ).encode()


async def ask(storage: Storage, port: int, numbers: Sequence[int]) -> tuple[list[float], list[float]]:
    """Milliseconds of a trace of each event, and of as many reads of a small blob, taken in turn."""
    client = await Client.connect(port)
    await client.ask(request(0))
    traces, reads = [], []
    for number in numbers:
        begun = time.perf_counter()
        answer = await client.ask(request(number))
        traces.append((time.perf_counter() - begun) * 1e3)
        if b'"status":"learned"' not in answer:
            raise RuntimeError(f"event {number} was not found as learned: {answer[:200]!r}")
        begun = time.perf_counter()
        await storage.read(checkpoint.name(DEFAULT_HOME))
        reads.append((time.perf_counter() - begun) * 1e3)
    client.close()
    return sorted(traces), sorted(reads)


async def measure(environment: dict[str, str], count: int, asked: int) -> list[Figure]:
    service = Service(parts.settings(environment))
    await fill(service.storage, count)
    indexes = len(await event_index.listed(service.storage, DEFAULT_HOME))
    numbers = random.Random(1).sample(range(count), asked)
    with Host(environment, "--http-only") as host:
        traces, reads = await ask(service.storage, host.port, numbers)
    await service.close()
    name = f"trace, {count:,} events in {indexes} indexes"
    p50, p95 = (told(f"{name}: {which}", *_shown(traces, reads, share)) for which, share in (("p50", 50), ("p95", 95)))
    slow = traces[asked * 95 // 100]
    return [p50, p95._replace(goal=f"<= {GOAL_MS:g} ms", reached=slow <= GOAL_MS)]


def _shown(traces: Sequence[float], reads: Sequence[float], percent: int) -> tuple[str, str, float]:
    trace, read = (times[len(times) * percent // 100] for times in (traces, reads))
    return f"{trace:.1f} ms", f"{read:.1f} ms", trace / read


def run(quick: bool = False) -> list[Figure]:
    with parts.servers() as environment:
        return asyncio.run(measure(environment, *((20_000, 50) if quick else (1_000_000, 500))))


if __name__ == "__main__":
    command.main("trace", __doc__, run)
