"""One Rank over HTTP, its event acknowledged before the answer, against one awaited send of the azure-eventhub SDK."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from benchmarks import client, command, models, parts, traffic
from benchmarks.client import Client
from benchmarks.figures import Figure, at_most
from benchmarks.host import Host

BLOCK = 20


async def times(call: Callable[[], Awaitable[object]]) -> list[float]:
    """Milliseconds of some calls, one after the other."""
    taken = []
    for _ in range(BLOCK):
        begun = time.perf_counter()
        await call()
        taken.append((time.perf_counter() - begun) * 1e3)
    return taken


async def _measure(environment: dict[str, str], port: int, rounds: int) -> Figure:
    _, event = traffic.interaction(0)
    request = client.rank(traffic.request(10, 5))
    connection = environment["EVENT_HUBS_CONNECTION_STRING"]
    http = await Client.connect(port)
    ranks: list[float] = []
    sends: list[float] = []
    async with EventHubProducerClient.from_connection_string(connection, eventhub_name="interactions") as producer:
        for turn in range(rounds + 3):
            ranked = await times(lambda: http.ask(request))
            sent = await times(lambda: producer.send_event(EventData(event), partition_id="0"))
            if turn >= 3:
                ranks += ranked
                sends += sent
    http.close()
    return at_most("one rank, acknowledged, against one send: p50", median(ranks), median(sends), 1.5, "ms", digits=2)


def measure(environment: dict[str, str], rounds: int) -> Figure:
    with Host(environment, "--http-only") as host:
        return asyncio.run(_measure(environment, host.port, rounds))


def run(quick: bool = False) -> list[Figure]:
    with parts.servers() as environment:
        models.publish(environment, count=500)
        return [measure(environment, rounds=2 if quick else 50)]


if __name__ == "__main__":
    command.main("latency", __doc__, run)
