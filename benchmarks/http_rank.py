"""Rank over HTTP under load, every decision logged, against a function that says hello on the same host."""

from concurrent.futures import Executor
from statistics import median
from typing import NamedTuple

from benchmarks import client, command, load, models, parts, traffic
from benchmarks.figures import Figure, at_most, told
from benchmarks.host import HELLO, Host
from benchmarks.processes import cpu_seconds

CONNECTIONS, FEATURES = 32, 5
GOALS = {10: 3.5, 50: 7.0}


class Cost(NamedTuple):
    """What a block of requests took: server CPU per request in us, latencies in ms."""

    cpu: float
    p50: float
    p99: float


class Endpoint:
    """Requests to one host, and what each block of them cost."""

    def __init__(self, host: Host, requests: list[bytes], count: int) -> None:
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


def measure(environment: dict[str, str], count: int, rounds: int) -> list[Figure]:
    ranks = {
        actions: [client.rank(traffic.request(actions, FEATURES, seed)) for seed in range(200)] for actions in GOALS
    }
    with (
        Host(environment, "--http-only") as product,
        Host(environment, "--http-only", app=HELLO) as hello,
        load.generator() as generator,
    ):
        idle = Endpoint(hello, [client.get("/api/hello")], count)
        busy = {actions: Endpoint(product, requests, count) for actions, requests in ranks.items()}
        for turn in range(rounds + 1):
            for endpoint in (idle, *busy.values()):
                endpoint.block(generator, warm_up=turn == 0)
    return [figure for actions, endpoint in busy.items() for figure in figures(actions, endpoint, idle)]


def figures(actions: int, endpoint: Endpoint, hello: Endpoint) -> list[Figure]:
    ours, reference = endpoint.typical(), hello.typical()
    ratio = median(one.cpu / other.cpu for one, other in zip(endpoint.costs, hello.costs, strict=True))
    name = f"HTTP rank, {actions} actions"
    compared = at_most(f"{name}: server CPU against hello", ours.cpu, reference.cpu, GOALS[actions], "us")
    compared = compared._replace(ratio=ratio, reached=ratio <= GOALS[actions])
    latencies = [("p50", ours.p50, reference.p50), ("p99", ours.p99, reference.p99)]
    return [compared] + [
        told(f"{name}: {which}, {CONNECTIONS} at a time", f"{own:.1f} ms", f"{other:.1f} ms", own / other)
        for which, own, other in latencies
    ]


def run(quick: bool = False) -> list[Figure]:
    with parts.servers() as environment:
        models.publish(environment)
        return measure(environment, count=500 if quick else 8_000, rounds=1 if quick else 5)


if __name__ == "__main__":
    command.main("http_rank", __doc__, run)
