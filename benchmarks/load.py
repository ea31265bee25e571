"""A closed loop of clients, in a process of its own: each asks again as soon as it is answered."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle, islice
from multiprocessing import get_context

import uvloop

from benchmarks.client import Client


def generator() -> ProcessPoolExecutor:
    """A process that runs `closed_loop`."""
    return ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))


def closed_loop(port: int, requests: Sequence[bytes], count: int, connections: int) -> list[float]:
    """Sends `count` requests, `connections` at a time; the latencies in milliseconds, in order of size."""
    return sorted(uvloop.run(_run(port, islice(cycle(requests), count), connections)))


async def _run(port: int, requests: Iterator[bytes], connections: int) -> list[float]:
    latencies: list[float] = []

    async def visit() -> None:
        client = await Client.connect(port)
        for request in requests:
            begun = time.perf_counter()
            await client.ask(request)
            latencies.append((time.perf_counter() - begun) * 1e3)
        client.close()

    await asyncio.gather(*(visit() for _ in range(connections)))
    return latencies
