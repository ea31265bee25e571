"""One loop's Ranks while another loop's client sends the dearest that is accepted, again and again."""

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from statistics import median
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import uvloop

from benchmarks import client, command, load, models, parts, traffic
from benchmarks.client import Client
from benchmarks.figures import Figure, at_most
from benchmarks.host import Host
from shared.errors import ApiError
from shared.rank import expense, ranking, wire
from shared.serving.service import Service
from shared.training.trainer import Trainer

RATE, GOAL = 20, 3.0
LOOP = "hostile"
POLICY = "--cb_explore_adf --epsilon 0.2 --cubic :::"
CONFIGURATION = {
    "rewardWaitTime": "PT1S",
    "defaultReward": 0.0,
    "rewardAggregation": "earliest",
    "explorationPercentage": 0.2,
    "modelExportFrequency": "PT1S",
    "logRetentionDays": 7,
}
# Each alone would fill the process: one by what VW computes, the other by what has to be read.
BODY_BYTES = 500_000
# The longest that is read in the process that answers: each array of 45 bytes has an object and 8 commas.
ALMOST_LONG_BYTES = 45 * expense.MOST_PLAIN // 10


def crossed(features: int) -> bytes:
    """A request with one action, whose cost grows with the cube of the number of features."""
    context = {f"feature{number}": (number % 7 + 1) / 8 for number in range(features)}
    return json.dumps({"contextFeatures": [context], "actions": [{"id": "a", "features": [{"x": 1}]}]}).encode()


def long(size: int) -> bytes:
    """A request of so many bytes in many small arrays, which take longest to read."""
    arrays = [{f"feature{number}": [1] * 8} for number in range(size // 45)]
    return json.dumps({"contextFeatures": arrays, "actions": [{"id": "a", "features": [{"x": 1}]}]}).encode()


def dearest() -> bytes:
    """The largest `crossed` request that is accepted."""
    few, many = 1, 10_000
    while many - few > 1:
        middle = (few + many) // 2
        try:
            asked = ranking.ask(wire.rank_request(crossed(middle)), POLICY)
            expense.check(asked.context, 1, POLICY)
            few = middle
        except ApiError:
            many = middle
    return crossed(few)


def steady(port: int, requests: Sequence[bytes], seconds: float) -> list[float]:
    """Latencies in ms, in order of size, of RATE requests a second, counted from when each was to be sent."""
    return uvloop.run(_steady(port, requests, seconds))


async def _steady(port: int, requests: Sequence[bytes], seconds: float) -> list[float]:
    latencies: list[float] = []
    idle: list[Client] = []
    start = time.perf_counter() + 0.1

    async def visit(number: int) -> None:
        due = start + number / RATE
        await asyncio.sleep(due - time.perf_counter())
        visitor = idle.pop() if idle else await Client.connect(port)
        if not visitor.is_open:
            visitor = await Client.connect(port)
        await visitor.ask(requests[number % len(requests)])
        latencies.append((time.perf_counter() - due) * 1e3)
        idle.append(visitor)

    await asyncio.gather(*(visit(number) for number in range(int(seconds * RATE))))
    for visitor in idle:
        visitor.close()
    return sorted(latencies)


def again(port: int, request: bytes, seconds: float) -> int:
    """Sends one request again and again on one connection; how many were answered."""
    return uvloop.run(_again(port, request, seconds))


async def _again(port: int, request: bytes, seconds: float) -> int:
    attacker, answered, end = await Client.connect(port), 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        with contextlib.suppress(ConnectionError):  # refused: it had to be read nevertheless
            await attacker.ask(request)
        if not attacker.is_open:
            raise RuntimeError("the hostile connection was closed")
        answered += 1
    attacker.close()
    return answered


def put(port: int, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """An administrator's PUT; the answer."""
    headers = {"Ocp-Apim-Subscription-Key": "local-admin-key", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else b""
    request = Request(f"http://127.0.0.1:{port}/{path}", data, headers, method="PUT")
    with urlopen(request, timeout=60) as answer:  # noqa: S310
        told: dict[str, Any] = json.load(answer)
    return told


def _delete(port: int, path: str) -> None:
    """An administrator's DELETE, of something that may be there."""
    headers = {"Ocp-Apim-Subscription-Key": "local-admin-key"}
    request = Request(f"http://127.0.0.1:{port}/{path}", headers=headers, method="DELETE")
    with contextlib.suppress(HTTPError), urlopen(request, timeout=60):  # noqa: S310
        pass


def prepare(environment: dict[str, str], port: int) -> bytes:
    """Makes the hostile loop, in place of an earlier one, and trains it; the app key."""
    _delete(port, f"loops/{LOOP}")
    key: str = put(port, f"loops/{LOOP}")["appKeys"][0]
    put(port, f"loops/{LOOP}/personalizer/v1.0/configurations/service", CONFIGURATION)
    policy = {"name": LOOP, "arguments": POLICY}
    put(port, f"loops/{LOOP}/personalizer/v1.0/configurations/policy", policy)
    header = f"Ocp-Apim-Subscription-Key: {key}\r\n".encode()
    asyncio.run(_train(environment, port, client.rank(crossed(3), header, LOOP)))
    return header


async def _train(environment: dict[str, str], port: int, request: bytes) -> None:
    visitor = await Client.connect(port)
    for _ in range(10):
        await visitor.ask(request)
    visitor.close()
    service = Service(parts.settings(environment))
    trainer = Trainer(service)
    await asyncio.sleep(2.5 + service.settings.clock_skew_seconds)
    await trainer.tick()
    await trainer.close()
    if (await service.loop(LOOP).read_checkpoint()).model is None:
        raise RuntimeError("the hostile loop was not trained")
    await service.close()
    visitor = await Client.connect(port)
    for _ in range(3):  # the process that serves sees the model
        await asyncio.sleep(1)
        await visitor.ask(request)
    visitor.close()


def measure(environment: dict[str, str], seconds: float, rounds: int) -> list[Figure]:
    requests = [client.rank(traffic.request(10, 5, seed)) for seed in range(50)]
    with (
        Host(environment, "--http-only") as host,
        load.generator() as victims,
        load.generator() as attackers,
    ):
        header = prepare(environment, host.port)
        attacks = {
            "dear to predict": dearest(),
            "long to read, and refused": long(BODY_BYTES),
            "almost long": long(ALMOST_LONG_BYTES),
        }
        ends: dict[str, list[tuple[float, float]]] = {name: [] for name in attacks}
        victims.submit(steady, host.port, requests, 1).result()
        for _ in range(rounds):
            for name, body in attacks.items():
                alone = victims.submit(steady, host.port, requests, seconds).result()
                attack = attackers.submit(again, host.port, client.rank(body, header, LOOP), seconds + 0.5)
                together = victims.submit(steady, host.port, requests, seconds).result()
                if not attack.result():
                    raise RuntimeError("no hostile request was answered")
                ends[name].append((_p99(together), _p99(alone)))
    return [_figure(name, pairs) for name, pairs in ends.items()]


def _p99(latencies: Sequence[float]) -> float:
    return latencies[len(latencies) * 99 // 100]


def _figure(name: str, pairs: Sequence[tuple[float, float]]) -> Figure:
    together, alone = (median(column) for column in zip(*pairs, strict=True))
    figure = at_most(f"rank beside a hostile loop, {name}: p99", together, alone, GOAL, "ms")
    ratio = median(one / other for one, other in pairs)
    return figure._replace(ratio=ratio, reached=ratio <= GOAL)


def run(quick: bool = False) -> list[Figure]:
    with parts.servers() as environment:
        models.publish(environment)
        return measure(environment, seconds=10 if quick else 60, rounds=2 if quick else 5)


if __name__ == "__main__":
    command.main("hostile", __doc__, run)
