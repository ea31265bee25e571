"""Memory of a trainer and its learner while a long log is learned anew, above what they hold when idle."""

import asyncio
import time
from pathlib import Path

import msgspec

from benchmarks import command, models, parts, traffic
from benchmarks.figures import Figure, bounded, told
from benchmarks.host import Host
from benchmarks.processes import family_mb
from shared import scratch
from shared.hubs import events
from shared.joined_log.joined_lines import join_line
from shared.joined_log.log_file import LogFile, log_name
from shared.loops import checkpoint, commits
from shared.loops.blob_names import DEFAULT_HOME
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig, Policy
from shared.loops.stored import config_name
from shared.serving.service import Service

# Runs of 10 minutes at 100 decisions a second, as a trainer stores them that works off a backlog.
RUN_EVENTS, RUN_MS = 60_000, 600_000
IDLE = msgspec.structs.replace(parts.EARLIER, wait=1.0, export=1.0)


def changed() -> LoopConfig:
    """A policy that learns otherwise, so that all of the log is learned anew."""
    return msgspec.structs.replace(IDLE, policy=Policy("changed", f"{IDLE.policy.arguments} -l 0.25"))


def write_run(file: Path) -> None:
    """The log of one run; every run has the same."""
    log = LogFile(file)
    for number in range(RUN_EVENTS):
        event_id, event = traffic.interaction(number)
        reward = events.decode_observation(traffic.reward(event_id, number % 3 / 2))
        log.write([(None, join_line(events.decode_interaction(event), 0, [reward], IDLE).line)])
    log.close()


async def fill(service: Service, runs: int) -> None:
    """Stores a log of runs that were all committed."""
    state = (await commits.load(service.storage, DEFAULT_HOME)).checkpoint
    with scratch.folder() as folder:
        file = Path(folder, "run")
        await asyncio.to_thread(write_run, file)
        for number in range(runs):
            await service.storage.create(log_name(DEFAULT_HOME, state.cut - (number + 1) * RUN_MS, "joined"), file)


async def watched(service: Service, pid: int, arguments: str) -> tuple[list[float], int]:
    """What the processes hold twice a second, until a model of this policy serves; how many events it knows."""
    held: list[float] = []
    while True:
        held.append(await asyncio.to_thread(family_mb, pid))
        blob = await service.storage.read(checkpoint.name(DEFAULT_HOME))
        state = checkpoint.decode(blob.data) if blob else Checkpoint()
        if state.model is not None and state.model.arguments == arguments:
            return held, state.model.learned or 0
        await asyncio.sleep(0.5)


async def measure(environment: dict[str, str], count: int) -> list[Figure]:
    service = Service(parts.settings(environment))
    await service.storage.put(config_name(DEFAULT_HOME), IDLE.encoded())
    runs = count // RUN_EVENTS + 1
    await fill(service, runs)
    with Host(environment, "--timers-only") as host:
        await asyncio.sleep(10)
        idle = family_mb(host.pid)
        config, begun = changed(), time.monotonic()
        await service.storage.put(config_name(DEFAULT_HOME), config.encoded())
        held, learned = await watched(service, host.pid, config.arguments)
        seconds = time.monotonic() - begun
    await service.close()
    if learned < runs * RUN_EVENTS:
        raise RuntimeError(f"{learned:,} events were learned of {runs * RUN_EVENTS:,}")
    third = len(held) // 3 + 1
    first, last = max(held[:third]), max(held[2 * third :] or held[-1:])
    name = f"memory while {learned:,} events are learned anew"
    return [
        bounded(f"{name}, above idle", max(held), idle, 300, "MB"),
        told(f"{name}, last third against first", f"{last:.1f} MB", f"{first:.1f} MB", last / first),
        told(f"{name}, seconds", f"{seconds:,.0f} s", f"{learned / seconds:,.0f} ev/s", seconds),
    ]


def run(quick: bool = False) -> list[Figure]:
    with parts.servers() as environment:
        models.publish(environment, count=500)
        often = {**environment, "TRAINER_SCHEDULE": "* * * * * *"}
        return asyncio.run(measure(often, 300_000 if quick else 10_000_000))


if __name__ == "__main__":
    command.main("relearning", __doc__, run)
