"""A cold start: importing the function app, indexing its functions, and from the process's start to the first rank."""

import asyncio
import json
import os
import subprocess
import sys
import time
from statistics import median

from benchmarks import client, command, models, parts, traffic
from benchmarks.client import Client
from benchmarks.figures import Figure, at_most, told
from benchmarks.host import PROJECT, Host
from local.azurite import python_package

REFERENCE = ("azure.functions", "azure.eventhub.aio", "azure.storage.blob.aio", "vowpalwabbit")
# Nothing in a function app may load these: pydantic until a document is put or read, azure.identity where there is a
# connection string, the others ever.
HEAVY = ("numpy", "pandas", "sklearn", "pydantic", "azure.identity")
_IMPORT = """
import sys, time
begun = time.perf_counter()
for name in sys.argv[1].split(","):
    __import__(name)
print((time.perf_counter() - begun) * 1e3, *[name for name in sys.argv[2].split(",") if name in sys.modules])
"""


def import_ms(*names: str, without: tuple[str, ...] = ("-",)) -> float:
    """Milliseconds of importing modules in a fresh process; RuntimeError if that imports one of `without`."""
    command = [sys.executable, "-c", _IMPORT, ",".join(names), ",".join(without)]
    milliseconds, *unwanted = subprocess.run(
        command, cwd=PROJECT, env=_bare(), check=True, capture_output=True, text=True
    ).stdout.split()
    if unwanted:
        raise RuntimeError(f"importing {', '.join(names)} imports {', '.join(unwanted)}")
    return float(milliseconds)


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "FUNCTIONS_WORKER_RUNTIME"}


def indexing_ms() -> tuple[int, float]:
    """How many functions Microsoft's Python binding finds, and its milliseconds beyond the import of the app."""
    binding = python_package("azure-functions-runtime==1.3.0")
    command = [sys.executable, "benchmarks/indexing.py", str(binding)]
    done = subprocess.run(command, cwd=PROJECT, env=_bare(), check=True, capture_output=True, text=True)
    functions, milliseconds = done.stdout.split()
    return int(functions), float(milliseconds)


def first_rank_ms(environment: dict[str, str], request: bytes) -> float:
    """Milliseconds from starting a host's process to its first ranking; RuntimeError if that came without the model."""
    begun = time.perf_counter()
    with Host(environment, "--http-only") as host:
        answer = asyncio.run(_ask(host.port, request))
        taken = (time.perf_counter() - begun) * 1e3
    if len({action["probability"] for action in json.loads(answer)["ranking"]}) == 1:
        raise RuntimeError("the first rank was drawn without a model")
    return taken


async def _ask(port: int, request: bytes) -> bytes:
    visitor = await Client.connect(port)
    answer = await visitor.ask(request)
    visitor.close()
    return answer


def measure(environment: dict[str, str], rounds: int) -> list[Figure]:
    request = client.rank(traffic.request(10, 5))
    reference, identity, app, indexing, first = [], [], [], [], []
    for _ in range(rounds):
        reference.append(import_ms(*REFERENCE))
        app.append(import_ms("function_app", without=HEAVY))
        indexing.append(indexing_ms())
        first.append(first_rank_ms(environment, request))
        identity.append(import_ms(*REFERENCE, "azure.identity.aio"))
    alone, largest, indexed = median(reference), median(identity), median(taken for _, taken in indexing)
    loading = f"indexing and loading {indexing[0][0]} functions against that import"
    return [
        at_most("import of function_app against its SDKs alone", median(app), alone, 1.1, "ms", digits=0),
        at_most("process start to first rank against that import", median(first), alone, 1.4, "ms", digits=0),
        at_most(loading, indexed, alone, 0.2, "ms", digits=0),
        told("that import with azure.identity", f"{largest:.0f} ms", f"{alone:.0f} ms", largest / alone),
    ]


def run(quick: bool = False) -> list[Figure]:
    with parts.servers() as environment:
        models.publish(environment)
        return measure(environment, rounds=2 if quick else 11)


if __name__ == "__main__":
    command.main("start", __doc__, run)
