"""Rank's p99 at 20 a second while an evaluation is worked on the same machine, against without: alternating pairs."""

import asyncio
import gzip
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import client, command, hostile, load, migration, models, parts, traffic
from benchmarks.figures import Figure, at_most
from benchmarks.host import Host
from benchmarks.replay import PLAIN
from shared.evaluation import asking, job_store
from shared.evaluation.job import Asked
from shared.joined_log import log_reading
from shared.loops.blob_names import DEFAULT_HOME
from shared.loops.config import Policy
from shared.serving.service import Service

GOAL, POLICIES = 1.25, 10
OFTEN = {"EVALUATOR_SCHEDULE": "* * * * * *"}
LONGEST_START = 60.0  # s, until the evaluator has read the log


class Size(NamedTuple):
    """events: of the log that is evaluated; jobs: that wait; seconds: a stream; pairs: of streams."""

    events: int
    jobs: int
    seconds: float
    pairs: int


async def _ask(environment: dict[str, str], size: Size) -> None:
    """Stores a log, and jobs that are more than is worked while it is measured."""
    service = Service(parts.settings(environment))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "log.dsjson")
        migration.write(file, size.events)
        data = await asyncio.to_thread(lambda: gzip.compress(file.read_bytes(), 1))
    now = round(time.time() * 1000)
    await service.storage.put(log_reading.imported_name(DEFAULT_HOME, now, "0"), data)
    policies = [Policy(f"policy {number}", f"{PLAIN} -l {0.1 * number:g} -q Fj") for number in range(1, POLICIES + 1)]
    for number in range(size.jobs):
        await asking.ask(service.loop(), Asked("evaluations", str(number), "beside", 0, now, policies))
    await service.close()


async def _work(environment: dict[str, str]) -> tuple[int, float]:
    """How many jobs are open, and the seconds that all have been worked on."""
    service = Service(parts.settings(environment))
    jobs = await job_store.listed(service.storage, DEFAULT_HOME, "evaluations")
    await service.close()
    return sum(job.is_open for job in jobs), sum(job.seconds for job in jobs)


def _worked(environment: dict[str, str], known: float) -> float:
    """Waits until more has been worked than these seconds; how many it is then."""
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline:
        seconds = asyncio.run(_work(environment))[1]
        if seconds > known:
            return seconds
        time.sleep(0.5)
    raise RuntimeError("the evaluator works nothing, or has worked all jobs: there must be more of them")


def _p99(users: Executor, port: int, requests: Sequence[bytes], seconds: float) -> float:
    latencies = users.submit(hostile.steady, port, requests, seconds).result()
    return float(latencies[len(latencies) * 99 // 100])


def measure(environment: dict[str, str], size: Size) -> list[Figure]:
    asyncio.run(_ask(environment, size))
    requests = [client.rank(traffic.request(10, 5, seed)) for seed in range(50)]
    found = list[tuple[float, float]]()
    with Host(environment, "--http-only") as host, load.generator() as users:
        _p99(users, host.port, requests, min(size.seconds, 5))
        for _ in range(size.pairs):
            alone = _p99(users, host.port, requests, size.seconds)
            worked = asyncio.run(_work(environment))[1]
            with Host(environment | OFTEN, "--timers-only", "--timer", "evaluate", "--nice"):
                _worked(environment, worked)
                found.append((_p99(users, host.port, requests, size.seconds), alone))
            print(f"p99 {found[-1][0]:.2f} ms during, {alone:.2f} ms without", flush=True)
    if not asyncio.run(_work(environment))[0]:
        raise RuntimeError("the jobs have ended too early: make them larger")
    beside, alone = (median(column) for column in zip(*found, strict=True))
    name = "rank at 20 a second, p99 during an evaluation against without"
    one = at_most(name, beside, alone, GOAL, "ms", digits=2)
    ratio = median(during / without for during, without in found)
    return [one._replace(ratio=ratio, reached=ratio <= GOAL)]


def run(quick: bool = False) -> list[Figure]:
    with parts.servers() as environment:
        models.publish(environment)
        return measure(environment, Size(20_000, 1, 3, 1) if quick else Size(60_000, 15, 15, 5))


if __name__ == "__main__":
    command.main("beside", __doc__, run)
