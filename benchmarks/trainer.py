"""The trainer, from events in the hub to the published model, against VW's native driver on the same joined lines."""

import asyncio
import gzip
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks import command, parts, traffic
from benchmarks.figures import Figure, at_least, told
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
begun = time.perf_counter()
vowpalwabbit.Workspace(arg_list=sys.argv[1:]).finish()
print(time.perf_counter() - begun)
"""


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


async def train(service: Service, config: LoopConfig = parts.EARLIER) -> float:
    """Seconds of one tick that trains everything."""
    config = msgspec.structs.replace(config, wait=1.0, export=1.0)
    await service.storage.replace(blob_name(DEFAULT_HOME, "config.json"), config.encoded(), None)
    await asyncio.sleep(config.wait + service.settings.clock_skew_seconds + 0.5)
    trainer = Trainer(service)
    begun = time.perf_counter()
    await trainer.tick()
    seconds = time.perf_counter() - begun
    await trainer.close()
    return seconds


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


def driver(lines: Path, *options: str, policy: str = EARLIER_ARGUMENTS) -> float:
    """Seconds VW's native driver needs for the same lines and policy, alone in a process. options: VW's, beside."""
    arguments = [*policy.split(), "-d", str(lines), "--dsjson", "--quiet", "--save_resume"]
    command = [sys.executable, "-c", _DRIVER, *arguments, "-f", str(lines.with_suffix(".vw")), *options]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


async def _run(environment: dict[str, str], count: int, config: LoopConfig) -> Figure:
    """Of a loop with this configuration: under the default policy VW is told the crossings that the trainer found."""
    service = Service(parts.settings(environment))
    await fill(service, count)
    seconds = await train(service, config)
    model = (await commits.load(service.storage, DEFAULT_HOME)).checkpoint.model
    crossings = model.past.schema.arguments if model is not None and model.past is not None else ""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "joined.dsjson")
        learned = await joined(service, lines)
        if learned != count:
            raise RuntimeError(f"{learned} lines were joined of {count}")
        alone = driver(lines, policy=config.policy.parsed.for_vw(crossings))
    await service.close()
    measured, reference = f"{count / seconds:,.0f} ev/s", f"{count / alone:,.0f} ev/s"
    if config is parts.EARLIER:
        return at_least(f"trainer, {count:,} events", alone / seconds, measured, reference, 0.4)
    return told(f"trainer, {count:,} events, default policy", measured, reference, alone / seconds)


def run(quick: bool = False) -> list[Figure]:
    figures: list[Figure] = []
    for config in (parts.EARLIER, LoopConfig()):
        with parts.servers() as environment:
            figures.append(asyncio.run(_run(environment, 10_000 if quick else 100_000, config)))
    return figures


if __name__ == "__main__":
    command.main("trainer", __doc__, run)
