"""What a second process that answers HTTP costs, and what it saves a loop beside another one's dear requests.

The processes share a socket as those of `make run WORKERS=2` do. The dear requests are the dearest that are predicted
in the event loop; those above are predicted in a process beside it, with one worker as with several.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from statistics import median
from typing import NamedTuple

import uvloop

from benchmarks import client, command, hostile, load, models, parts, traffic
from benchmarks.client import Client
from benchmarks.figures import Figure, at_least
from benchmarks.host import Host
from benchmarks.processes import cpu_seconds
from local.listening import Listening
from shared.rank import ranking, wire

# Of two workers against one: requests per CPU second; and p99, which is to be lower.
RATE_GOAL, P99_GOAL = 0.95, 1.0
CONNECTIONS, USERS, PAUSE = 32, 8, 0.02


class Size(NamedTuple):
    """requests: of a block whose CPU is measured; seconds: a stream; rounds: of alternating pairs."""

    requests: int
    seconds: float
    rounds: int


class Workers(NamedTuple):
    """Processes that answer on one port."""

    port: int
    pids: list[int]

    def cpu_seconds(self) -> float:
        return sum(map(cpu_seconds, self.pids))


@contextlib.contextmanager
def workers(environment: dict[str, str], count: int) -> Iterator[Workers]:
    listening = Listening(0, count)
    with contextlib.closing(listening), contextlib.ExitStack() as stack:
        hosts = [
            stack.enter_context(
                Host(environment, "--http-only", "--shared", str(place), inherited=(place.listener, place.counts))
            )
            for place in listening.places
        ]
        yield Workers(listening.port, [host.pid for host in hosts])


def dearest_inside() -> bytes:
    """The dearest `hostile.crossed` request that is predicted in the event loop."""
    few, many = 1, 10_000
    while many - few > 1:
        middle = (few + many) // 2
        asked = ranking.ask(wire.rank_request(hostile.crossed(middle)), hostile.POLICY)
        few, many = (few, middle) if asked.is_dear else (middle, many)
    return hostile.crossed(few)


def kept(port: int, requests: Sequence[bytes], seconds: float) -> list[float]:
    """Latencies in ms, in order of size, of USERS clients that keep their connections and pause between requests."""
    return uvloop.run(_kept(port, requests, seconds))


async def _kept(port: int, requests: Sequence[bytes], seconds: float) -> list[float]:
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def use(user: int) -> None:
        visitor = await Client.connect(port)
        await asyncio.sleep(user * PAUSE / USERS)
        number = user
        while time.perf_counter() < end:
            begun = time.perf_counter()
            await visitor.ask(requests[number % len(requests)])
            latencies.append((time.perf_counter() - begun) * 1e3)
            number += USERS
            await asyncio.sleep(PAUSE)
        visitor.close()

    await asyncio.gather(*map(use, range(USERS)))
    return sorted(latencies)


def _rate(served: Workers, generator: Executor, requests: Sequence[bytes], count: int, connections: int) -> float:
    """Requests per CPU second of all processes."""
    before = served.cpu_seconds()
    generator.submit(load.closed_loop, served.port, requests, count, connections).result()
    return count / (served.cpu_seconds() - before)


def _rates(one: Workers, two: Workers, generator: Executor, requests: Sequence[bytes], size: Size) -> Iterator[Figure]:
    """Group commit makes larger messages of more clients, so that it matters whether each worker has as many."""
    for name, connections in (("as many clients in all", CONNECTIONS), ("as many clients each", 2 * CONNECTIONS)):
        pairs = [
            (
                _rate(one, generator, requests, size.requests, CONNECTIONS),
                _rate(two, generator, requests, size.requests, connections),
            )
            for _ in range(size.rounds)
        ]
        yield _rate_figure(name, pairs)


def _shared(
    apart: Sequence[Workers], two: Workers, generators: Sequence[Executor], requests: Sequence[bytes], size: Size
) -> Figure:
    """What it costs to share a port, apart from what two busy processes cost each other on this machine."""
    pairs = []
    for _ in range(size.rounds):
        before, count = [one.cpu_seconds() for one in apart], size.requests // len(apart)
        asked = [
            generator.submit(load.closed_loop, one.port, requests, count, CONNECTIONS)
            for one, generator in zip(apart, generators, strict=True)
        ]
        for one in asked:
            one.result()
        used = sum(one.cpu_seconds() - since for one, since in zip(apart, before, strict=True))
        shared = _rate(two, generators[0], requests, size.requests, 2 * CONNECTIONS)
        pairs.append((count * len(apart) / used, shared))
    return _rate_figure("as many clients each", pairs, "two with a port of their own")


def _p99s(
    one: Workers,
    two: Workers,
    victims: Executor,
    attackers: Executor,
    requests: Sequence[bytes],
    dear: bytes,
    size: Size,
) -> Iterator[Figure]:
    for name, ask in (("20 a second", hostile.steady), (f"{USERS} kept connections", kept)):
        pairs = []
        for _ in range(size.rounds):
            ends = []
            for served in (two, one):
                attack = attackers.submit(hostile.again, served.port, dear, size.seconds + 0.5)
                latencies = victims.submit(ask, served.port, requests, size.seconds).result()
                if not attack.result():
                    raise RuntimeError("no dear request was answered")
                ends.append(latencies[len(latencies) * 99 // 100])
            pairs.append((ends[0], ends[1]))
        yield _p99_figure(name, pairs)


def measure(environment: dict[str, str], size: Size) -> list[Figure]:
    requests = [client.rank(traffic.request(10, 5, seed)) for seed in range(50)]
    with (
        workers(environment, 1) as one,
        workers(environment, 1) as other,
        workers(environment, 2) as two,
        load.generator() as victims,
        load.generator() as attackers,
    ):
        header = hostile.prepare(environment, one.port)
        dear = client.rank(dearest_inside(), header, hostile.LOOP)
        for served in (one, other, two):  # until every process has both models
            attackers.submit(load.closed_loop, served.port, [dear, *requests], 400, CONNECTIONS).result()
        return [
            *_rates(one, two, victims, requests, size),
            _shared((one, other), two, (victims, attackers), requests, size),
            *_p99s(one, two, victims, attackers, requests, dear, size),
        ]


def _rate_figure(load: str, rates: Sequence[tuple[float, float]], reference: str = "one") -> Figure:
    others, two = (median(column) for column in zip(*rates, strict=True))
    ratio = median(ours / other for other, ours in rates)
    name = f"rank, requests per CPU second of two workers against {reference}, {load}"
    return at_least(name, ratio, f"{two:,.0f}", f"{others:,.0f}", RATE_GOAL)


def _p99_figure(name: str, pairs: Sequence[tuple[float, float]]) -> Figure:
    two, one = (median(column) for column in zip(*pairs, strict=True))
    ratio = median(several / single for several, single in pairs)
    shown = f"rank beside dear ones in the event loop, {name}: p99 of two workers against one"
    return Figure(shown, f"{two:.1f} ms", f"{one:.1f} ms", ratio, f"< {P99_GOAL:g}x", ratio < P99_GOAL)


def run(quick: bool = False) -> list[Figure]:
    with parts.servers() as environment:
        models.publish(environment)
        return measure(environment, Size(500, 3, 2) if quick else Size(8_000, 20, 5))


if __name__ == "__main__":
    command.main("workers", __doc__, run)
