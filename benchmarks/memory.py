"""Memory: the trainer's while very many interactions are open, or closed and remembered; a server's over many ranks."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import accumulate, islice

import msgspec

from benchmarks import client, command, load, models, parts, traffic
from benchmarks.figures import Figure, at_most, bounded
from benchmarks.host import Host
from benchmarks.processes import peak_mb, resident_mb
from shared.hubs import clients
from shared.hubs.event_log import MESSAGE_BYTES
from shared.loops import checkpoint
from shared.loops.blob_names import DEFAULT_HOME, blob_name
from shared.loops.checkpoint import Checkpoint
from shared.serving.service import Service

EVENT_BYTES, REWARD_BYTES = 2_048, 160
PARTITIONS = 4
# The trainer looks every second. Either nothing closes while the benchmark runs, or all does and is remembered.
OPEN = msgspec.structs.replace(parts.EARLIER, wait=172_800.0, export=1.0)
CLOSING = msgspec.structs.replace(parts.EARLIER, wait=1.0, export=1.0)


def interactions(count: int) -> Iterator[bytes]:
    """Encoded decisions of EVENT_BYTES each, with ids of their own."""
    _, template = traffic.interaction(0)
    feature = b'"filler":"%b",' % (b"x" * (EVENT_BYTES - len(template) - len(b'"filler":"",')))
    template = template.replace(b'"FromUrl":[{', b'"FromUrl":[{' + feature)
    for number in range(count):
        yield template.replace(b"event-00000000", b"event-%08d" % number)


def observations(count: int) -> Iterator[bytes]:
    """Encoded rewards of the first decisions."""
    return (traffic.reward(f"event-{number:08d}", 1.0) for number in range(count))


def packed(events: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Messages as full as the event log makes them, of events of at most `size` bytes."""
    while message := b"".join(islice(events, MESSAGE_BYTES // size)):
        yield message


async def send(service: Service, hub: str, messages: Iterator[bytes]) -> None:
    """Spreads messages over the partitions, one in flight on each."""
    sender = clients.Sender(service.settings, hub)

    async def feed(partition: int) -> None:
        for message in messages:
            await sender.send(partition, message)

    await asyncio.gather(*(feed(partition) for partition in range(PARTITIONS)))
    await sender.close()


async def fill(service: Service, opened: int, observed: int) -> None:
    await send(service, service.settings.interactions_hub, packed(interactions(opened), EVENT_BYTES))
    await send(service, service.settings.observations_hub, packed(observations(observed), REWARD_BYTES))


async def committed(service: Service, reached: Callable[[Checkpoint], bool]) -> Checkpoint:
    """The stored state, once it has come so far."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        blob = await service.storage.read(checkpoint.name(DEFAULT_HOME))
        state = checkpoint.decode(blob.data) if blob else Checkpoint()
        if reached(state):
            return state
        await asyncio.sleep(0.2)
    raise TimeoutError("the trainer did not come so far within 600 s")


async def caught_up(service: Service) -> None:
    """Waits until a run has committed that has read every observation there is now."""
    async with clients.consumer(service.settings, service.settings.observations_hub) as hub:
        states = [await hub.get_partition_properties(str(partition)) for partition in range(PARTITIONS)]
    heads = [int(state["last_enqueued_sequence_number"]) for state in states]
    await committed(service, lambda state: state.observed == heads)


async def closed(service: Service, count: int) -> Checkpoint:
    """The state once so many decisions are closed."""
    return await committed(service, lambda state: sum(state.counts.ranks.values()) >= count)


async def trainer(environment: dict[str, str], opened: int, observed: int) -> list[Figure]:
    """The most memory a trainer ever held: one that followed the events, and one that was started behind them."""
    service = Service(parts.settings(environment))
    await service.storage.put(blob_name(DEFAULT_HOME, "config.json"), OPEN.encoded())
    await fill(service, PARTITIONS * 100, PARTITIONS * 1_000)
    peaks = []
    with Host(environment, "--timers-only") as host:
        await caught_up(service)
        idle = resident_mb(host.pid)
        await fill(service, opened, observed)
        await caught_up(service)
        peaks.append(peak_mb(host.pid))
    await fill(service, 0, PARTITIONS)  # nothing new would be nothing to read
    with Host(environment, "--timers-only") as host:
        await caught_up(service)
        peaks.append(peak_mb(host.pid))
    await service.close()
    name = f"trainer memory, {opened:,} open interactions"
    return [
        bounded(f"{name}, {which}", peak, idle, 200, "MB")
        for which, peak in zip(("followed", "after a restart"), peaks, strict=True)
    ]


async def joiner(environment: dict[str, str], count: int) -> list[Figure]:
    """The most memory of a trainer while it closes decisions and remembers them; what of it a run stores, beside all.

    One that followed them is compared with itself, idle after some of them: its links to the hubs hold what they have
    read ahead. One that was started behind them is compared with one that is idle after very few.
    """
    service = Service(parts.settings(environment))
    await service.storage.put(blob_name(DEFAULT_HOME, "config.json"), CLOSING.encoded())
    idle, few = [], (PARTITIONS * 100, count // 20)
    with Host(environment, "--timers-only") as host:
        for some, total in zip(few, accumulate(few), strict=True):
            await fill(service, some, 0)
            await closed(service, total)
            await asyncio.sleep(2)
            idle.append(resident_mb(host.pid))
        await fill(service, count, 0)
        await closed(service, sum(few) + count)
        followed = peak_mb(host.pid)
    await fill(service, PARTITIONS, 0)  # nothing new would be nothing to close
    with Host(environment, "--timers-only") as host:
        state = await closed(service, sum(few) + count + PARTITIONS)
        restarted = peak_mb(host.pid)
    sizes = [len(blob.data) for part in state.windows if (blob := await service.storage.read(part.file.name))]
    await service.close()
    name = f"trainer memory, {count:,} closed interactions"
    return [
        bounded(f"{name}, followed", followed, idle[1], 40, "MB"),
        bounded(f"{name}, after a restart", restarted, idle[0], 40, "MB"),
        at_most(f"{name}, stored by a run", sizes[-1] / 1e6, sum(sizes) / 1e6, 0.1, "MB", digits=4),
    ]


def ranks(environment: dict[str, str], count: int) -> Figure:
    """What a server that has a model and a steady state grows by while it answers `count` ranks."""
    requests = [client.rank(traffic.request(10, 5, seed)) for seed in range(500)]
    models.publish(environment, count=500)
    with Host(environment, "--http-only") as host, load.generator() as generator:
        generator.submit(load.closed_loop, host.port, requests, count // 10, 32).result()
        before = resident_mb(host.pid)
        generator.submit(load.closed_loop, host.port, requests, count, 32).result()
        return bounded(f"resident memory, {count:,} ranks over HTTP", resident_mb(host.pid), before, 5, "MB")


def run(quick: bool = False) -> list[Figure]:
    opened, observed, answered = (20_000, 4_000, 2_000) if quick else (1_000_000, 200_000, 200_000)
    with parts.servers(PARTITIONS) as environment:
        figures = asyncio.run(trainer({**environment, "TRAINER_SCHEDULE": "* * * * * *"}, opened, observed))
    with parts.servers(PARTITIONS) as environment:
        often = {**environment, "TRAINER_SCHEDULE": "* * * * * *"}
        figures += asyncio.run(joiner(often, opened))
    with parts.servers() as environment:
        return [*figures, ranks(environment, answered)]


if __name__ == "__main__":
    command.main("memory", __doc__, run)
