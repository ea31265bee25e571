"""Rank over HTTP under load, every decision logged, against the least that a function can do and what one would build.

The floor is a function of the same host that takes the same body and asks VW once; what one would build is a service
of FastAPI, pydantic and one send per event.
"""

import contextlib
import json
import tempfile
from concurrent.futures import Executor
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import client, command, load, models, parts, rank, traffic
from benchmarks.figures import Figure, at_most, told
from benchmarks.host import FLOOR, HELLO, Host, Server
from benchmarks.processes import cpu_seconds
from shared.vw.policy import EARLIER_ARGUMENTS

CONNECTIONS, FEATURES = 32, 5
SIZES, GOAL = (10, 50), 2.5


class Cost(NamedTuple):
    """What a block of requests took: server CPU per request in us, latencies in ms."""

    cpu: float
    p50: float
    p99: float


class Endpoint:
    """Requests to one host, and what each block of them cost."""

    def __init__(self, host: Server, requests: list[bytes], count: int) -> None:
        self._host, self._requests, self._count = host, requests, count
        self.costs: list[Cost] = []

    def block(self, generator: Executor, warm_up: bool = False) -> None:
        before = cpu_seconds(self._host.pid)
        count = self._count // 10 if warm_up else self._count
        task = generator.submit(load.closed_loop, self._host.port, self._requests, count, CONNECTIONS)
        latencies = task.result()
        cost = (cpu_seconds(self._host.pid) - before) / count * 1e6
        if not warm_up:
            self.costs.append(Cost(cost, latencies[count // 2], latencies[count * 99 // 100]))

    def typical(self) -> Cost:
        """The median of each cost."""
        return Cost(*(median(column) for column in zip(*self.costs, strict=True)))


class Sides(NamedTuple):
    """Who answers requests of one size."""

    product: Endpoint
    floor: Endpoint
    plain: Endpoint


def measure(environment: dict[str, str], count: int, rounds: int) -> list[Figure]:
    bodies = {actions: [traffic.request(actions, FEATURES, seed) for seed in range(200)] for actions in SIZES}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        model = models.trained(EARLIER_ARGUMENTS, SIZES[0], FEATURES, Path(folder))
        contexts = {actions: rank.context(one[0]) for actions, one in bodies.items()}
        floor_settings = {"FLOOR_MODEL": str(model), "FLOOR_CONTEXTS": json.dumps(contexts)}
        product = stack.enter_context(Host(environment, "--http-only"))
        hello = stack.enter_context(Host(environment, "--http-only", app=HELLO))
        floor = stack.enter_context(Host(environment | floor_settings, "--http-only", app=FLOOR))
        plain = stack.enter_context(Server(environment, "benchmarks.plain_service", str(model)))
        idle = Endpoint(hello, [client.get("/api/hello")], count)
        sides = {
            actions: Sides(
                Endpoint(product, [client.rank(body) for body in one], count),
                Endpoint(floor, [client.post(f"/api/floor/{actions}", body) for body in one], count),
                Endpoint(plain, [client.post("/rank", body) for body in one], count),
            )
            for actions, one in bodies.items()
        }
        generator = stack.enter_context(load.generator())
        for turn in range(rounds + 1):
            for endpoint in (idle, *(endpoint for compared in sides.values() for endpoint in compared)):
                endpoint.block(generator, warm_up=turn == 0)
    return [figure for actions, compared in sides.items() for figure in figures(actions, compared, idle)]


def figures(actions: int, sides: Sides, hello: Endpoint) -> list[Figure]:
    ours, floor, plain = (side.typical() for side in sides)
    ratio = _ratio(sides.product, sides.floor)
    name = f"HTTP rank, {actions} actions"
    compared = at_most(f"{name}: server CPU against the floor", ours.cpu, floor.cpu, GOAL, "us")
    compared = compared._replace(ratio=ratio, reached=ratio <= GOAL)
    others = [("hello", hello), ("FastAPI, pydantic, one send per event", sides.plain)]
    return [
        compared,
        *(
            told(f"{name}: the same against {what}", *_us(ours, other.typical()), _ratio(sides.product, other))
            for what, other in others
        ),
        *(
            told(
                f"{name}: {which}, {CONNECTIONS} at a time, against FastAPI",
                f"{own:.1f} ms",
                f"{one:.1f} ms",
                own / one,
            )
            for which, own, one in [("p50", ours.p50, plain.p50), ("p99", ours.p99, plain.p99)]
        ),
    ]


def _ratio(ours: Endpoint, other: Endpoint) -> float:
    return median(one.cpu / two.cpu for one, two in zip(ours.costs, other.costs, strict=True))


def _us(ours: Cost, other: Cost) -> tuple[str, str]:
    return f"{ours.cpu:.1f} us", f"{other.cpu:.1f} us"


def run(quick: bool = False) -> list[Figure]:
    with parts.servers() as environment:
        models.publish(environment)
        return measure(environment, count=500 if quick else 8_000, rounds=1 if quick else 5)


if __name__ == "__main__":
    command.main("http_rank", __doc__, run)
