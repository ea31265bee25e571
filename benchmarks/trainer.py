"""The trainer, from events in the hub to the published model, against VW's native driver on the same joined lines."""

import asyncio
import gzip
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks import command, parts, traffic
from benchmarks.figures import Figure, at_least, at_most, told
from shared.hubs.clients import Sender
from shared.hubs.event_log import EventLog
from shared.hubs.events import partition_of
from shared.loops import commits
from shared.loops.blob_names import DEFAULT_HOME, blob_name
from shared.loops.config import LoopConfig
from shared.serving.service import Service
from shared.training.trainer import Trainer
from shared.vw.policy import EARLIER_ARGUMENTS

_DRIVER = """
import sys, time, vowpalwabbit
begun, used = time.perf_counter(), time.process_time()
vowpalwabbit.Workspace(arg_list=sys.argv[1:]).finish()
print(time.perf_counter() - begun, time.process_time() - used)
"""


class Taken(NamedTuple):
    """What something took: seconds, and processor time of all that did it (s)."""

    seconds: float
    cpu: float


async def fill(service: Service, count: int) -> None:
    """Appends `count` decisions, half of them rewarded, through the product's own event log."""
    logs = []
    for hub in (service.settings.interactions_hub, service.settings.observations_hub):
        sender = Sender(service.settings, hub)
        logs.append((EventLog(sender.send, 30, 1 << 30), sender))
    (interactions, ranks), (observations, rewards) = logs
    for start in range(0, count, 2_000):
        appends = []
        for number in range(start, min(start + 2_000, count)):
            event_id, event = traffic.interaction(number)
            partition = partition_of(event_id, service.settings.event_hubs_partitions)
            appends.append(interactions.append(partition, event))
            if number % 2:
                appends.append(observations.append(partition, traffic.reward(event_id, number % 3 / 2)))
        await asyncio.gather(*appends)
    await ranks.close()
    await rewards.close()


async def train(service: Service, config: LoopConfig = parts.EARLIER) -> Taken:
    """One tick that trains everything. The processor time is that of this process and of the trainer's children."""
    config = msgspec.structs.replace(config, wait=1.0, export=1.0)
    await service.storage.replace(blob_name(DEFAULT_HOME, "config.json"), config.encoded(), None)
    await asyncio.sleep(config.wait + service.settings.clock_skew_seconds + 0.5)
    trainer = Trainer(service)
    begun, used = time.perf_counter(), _cpu_seconds()
    await trainer.tick()
    seconds = time.perf_counter() - begun
    await trainer.close()
    return Taken(seconds, _cpu_seconds() - used)


def _cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


async def joined(service: Service, target: Path) -> int:
    """Writes the joined log into one file; the number of its lines."""
    count = 0
    with target.open("wb") as out:
        for name in await service.storage.names(blob_name(DEFAULT_HOME, "logs", "")):
            blob = await service.storage.read(name)
            if blob and name.endswith(".dsjson.gz"):
                lines = gzip.decompress(blob.data)
                out.write(lines)
                count += lines.count(b"\n")
    return count


def driver(lines: Path, *options: str, policy: str = EARLIER_ARGUMENTS) -> Taken:
    """What VW's native driver takes for the same lines and policy, alone in a process. options: VW's, beside."""
    arguments = [*policy.split(), "-d", str(lines), "--dsjson", "--quiet", "--save_resume"]
    command = [sys.executable, "-c", _DRIVER, *arguments, "-f", str(lines.with_suffix(".vw")), *options]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Taken(*map(float, told.split()))


async def _run(environment: dict[str, str], count: int, config: LoopConfig) -> list[Figure]:
    """Of a loop with this configuration. Under the default policy VW is told the crossings that the trainer found."""
    service = Service(parts.settings(environment))
    await fill(service, count)
    ours = await train(service, config)
    model = (await commits.load(service.storage, DEFAULT_HOME)).checkpoint.model
    crossings = model.past.schema.arguments if model is not None and model.past is not None else ""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "joined.dsjson")
        learned = await joined(service, lines)
        if learned != count:
            raise RuntimeError(f"{learned} lines were joined of {count}")
        alone = driver(lines, policy=config.policy.parsed.for_vw(crossings))
    await service.close()
    name, cpu = f"trainer, {count:,} events", "    its processor time with its children's, per event"
    measured, reference = f"{count / ours.seconds:,.0f} ev/s", f"{count / alone.seconds:,.0f} ev/s"
    used, needed = ours.cpu / count * 1e6, alone.cpu / count * 1e6  # us
    if config is parts.EARLIER:
        speed = at_least(name, alone.seconds / ours.seconds, measured, reference, 0.4)
        return [speed, at_most(cpu, used, needed, 2, "us")]
    speed = told(f"{name}, default policy", measured, reference, alone.seconds / ours.seconds)
    return [speed, told(cpu, f"{used:.1f} us", f"{needed:.1f} us", used / needed)]


def run(quick: bool = False) -> list[Figure]:
    figures: list[Figure] = []
    for config in (parts.EARLIER, LoopConfig()):
        with parts.servers() as environment:
            figures += asyncio.run(_run(environment, 10_000 if quick else 100_000, config))
    return figures


if __name__ == "__main__":
    command.main("trainer", __doc__, run)
