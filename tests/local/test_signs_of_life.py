"""A process that hangs instead of ending is killed and started again; the others go on."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local import services
from local.pulse import Ear
from local.supervisor import Supervisor

PROJECT = Path(__file__).parents[2]
APP = """
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="health")
async def health(req: func.HttpRequest) -> str:
    return "ok"
"""
NAMES = ["azurite", "eventhubs", "http", "timers"]


class Said(list[str]):
    """What the supervisor has said."""

    async def until(self, text: str) -> None:
        async with asyncio.timeout(90):
            while not any(text in line for line in self):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@pytest.fixture
async def said(tmp_path: Path) -> AsyncIterator[Said]:
    """The four processes of the embedded run, under a supervisor that waits for five seconds."""
    app = tmp_path / "function_app.py"
    app.write_text(APP)
    (tmp_path / "host.json").write_text('{"extensions": {"http": {"routePrefix": ""}}}')
    said = Said()
    with (tmp_path / "held").open("w") as held:
        supervisor = Supervisor(PROJECT, tmp_path / "logs", held.fileno(), said.append, silent=5)
        try:
            await supervisor.start(services.storage(tmp_path), services.event_hubs(tmp_path))
            await supervisor.start(*services.function_app(app, services.free_port(), {}))
            yield said
        finally:
            await supervisor.stop()


def children() -> dict[str, int]:
    """Process ids of this process's own children by what is recognisable in the command line."""
    marks = {"azurite": "azurite", "--http-only": "http", "--timers-only": "timers", "local.eventhubs": "eventhubs"}
    found = {}
    for pid in map(int, Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()):
        command = Path(f"/proc/{pid}/cmdline").read_text()
        found |= {name: pid for mark, name in marks.items() if mark in command}
    return found


@pytest.mark.parametrize("name", NAMES)
async def test_a_process_that_hangs_is_replaced_and_others_go_on(said: Said, name: str) -> None:
    before = children()
    assert sorted(before) == NAMES
    await asyncio.sleep(1.5)  # each has given a sign
    os.kill(before[name], signal.SIGSTOP)
    await said.until(f"{name} has given no sign of life")
    await said.until(f"{name} was killed by SIGKILL; restarting it")
    async with asyncio.timeout(60):
        while sorted(children()) != NAMES:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    after = children()
    assert {other for other in NAMES if after[other] != before[other]} == {name}
    assert all(name in line for line in said)


def test_looks_are_counted_and_not_time() -> None:
    """After a machine has slept, what a process said before counts."""
    ear = Ear()
    assert [ear.silent() for _ in range(3)] == [1, 2, 3]
    assert not ear.heard_anything
    os.write(ear.write, b"..")
    assert [ear.silent() for _ in range(2)] == [0, 1]
    assert ear.heard_anything
    ear.close_write()
    ear.close()
