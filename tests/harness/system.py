"""The whole service as its four processes, each of which a test may stop, kill and start again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from azure.storage.blob import ContainerClient

from local import services
from local.supervisor import Service

PROJECT = Path(__file__).parents[2]
APP_KEY, ADMIN_KEY = "app-key-of-the-tests", "admin-key-of-the-tests"
START_SECONDS = 60.0
CONTAINER = "personalizer"
# What the service answers for a new loop, with durations that can be watched.
CONFIGURATION = {
    "rewardWaitTime": "PT2S",
    "defaultReward": 0.0,
    "rewardAggregation": "earliest",
    "explorationPercentage": 0.2,
    "modelExportFrequency": "PT1S",
    "logRetentionDays": 7,
}

# More than one, so that whatever depends on their order or their number shows.
PARTITIONS = 4


def wait_until(happened: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Polls until `happened` answers something true, and returns that; AssertionError says what did not happen."""
    deadline = time.monotonic() + seconds
    while not (answer := happened()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
    return answer


class Part:
    """One process of the system; it can be started again, on the same port and data."""

    def __init__(self, service: Service, logs: Path) -> None:
        self.service, self.name = service, service.name
        self._log = logs / f"{service.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    def start(self) -> None:
        """Starts the process; `ready` waits until it answers."""
        environment = os.environ | {"PYTHONUNBUFFERED": "1"} | self.service.settings
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.service.command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def ready(self) -> None:
        wait_until(self._answers, f"{self.name} answers; its log ends with:\n{self.log()[-2000:]}", START_SECONDS)

    def kill(self) -> None:
        """SIGKILL: the process does nothing any more, from this instant."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    def children(self) -> list[int]:
        """The process ids of its own children, in no order; none if it has ended."""
        return _children(self.pid)

    def learners(self) -> list[int]:
        """The process ids of its children's children, which learn."""
        return [learner for child in self.children() for learner in _children(child)]

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def end(self) -> None:
        """Makes sure that nothing is left running."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"{self.name} ended with {self._process.returncode}:\n{self.log()[-2000:]}"
        return asyncio.run(_ask(self.service))


class System:
    """Azurite, the Event Hubs server, the HTTP functions and the timers, on free ports and their own data.

    settings: of the function app, beside those that every test needs.
    patience: seconds that a client waits for an answer.
    """

    patience = 30.0

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        stores, hubs = services.storage(data), services.event_hubs(data, PARTITIONS)
        own = {
            "APP_KEYS": APP_KEY,
            "ADMIN_KEYS": ADMIN_KEY,
            "TRAINER_SCHEDULE": "* * * * * *",
            "EVALUATOR_SCHEDULE": "* * * * * *",
        }
        self.settings = own | stores.settings | hubs.settings | settings
        port = services.free_port()
        self.url = f"http://127.0.0.1:{port}"
        http, timers, evaluator = services.function_app(PROJECT / "function_app.py", port, self.settings)
        self.storage, self.event_hubs = Part(stores, data), Part(hubs, data)
        self.http, self.timers, self.evaluator = Part(http, data), Part(timers, data), Part(evaluator, data)
        self.parts = [self.storage, self.event_hubs, self.http, self.timers, self.evaluator]

    def start(self) -> None:
        for part in (self.storage, self.event_hubs):
            part.start()
        for part in (self.storage, self.event_hubs):
            part.ready()
        for part in (self.http, self.timers, self.evaluator):
            part.start()
        for part in (self.http, self.timers, self.evaluator):
            part.ready()

    def end(self) -> None:
        for part in reversed(self.parts):
            part.end()

    def more_timers(self, **settings: str) -> Part:
        """One more timers host on the same data, or with other settings; not started yet."""
        port = services.free_port()
        _, timers, _ = services.function_app(PROJECT / "function_app.py", port, self.settings | settings)
        name = f"timers{len(self.parts)}"
        part = Part(Service(name, timers.command, timers.is_ready, timers.settings), self.data)
        self.parts.append(part)
        return part

    @contextmanager
    def more_http(self, **settings: str) -> Iterator[str]:
        """One more process for HTTP on the same data, with other settings; its address."""
        port = services.free_port()
        http, *_ = services.function_app(PROJECT / "function_app.py", port, self.settings | settings)
        part = Part(http, self.data)
        part.start()
        try:
            part.ready()
            yield f"http://127.0.0.1:{port}"
        finally:
            part.end()

    def client(self, key: str = APP_KEY) -> httpx.Client:
        """A client of v1.0, for instance `client().post("rank", json=...)`."""
        headers = {"Ocp-Apim-Subscription-Key": key}
        return httpx.Client(base_url=f"{self.url}/personalizer/v1.0/", headers=headers, timeout=self.patience)

    def configure(self, **changed: Any) -> None:
        """Puts CONFIGURATION with some members changed."""
        with self.client(ADMIN_KEY) as admin:
            answer = admin.put("configurations/service", json=CONFIGURATION | changed)
        assert answer.status_code == 200, answer.text

    def health(self) -> dict[str, Any]:
        health: dict[str, Any] = httpx.get(f"{self.url}/health", timeout=30).json()
        return health

    def blobs(self, container: str = CONTAINER) -> ContainerClient:
        return ContainerClient.from_connection_string(self.settings["STORAGE_CONNECTION_STRING"], container)


@contextmanager
def running(data: Path, **settings: str) -> Iterator[System]:
    """A running system that ends with the block. When the block fails, the parts' last words are printed."""
    system = System(data, **settings)
    try:
        system.start()
        yield system
    except BaseException:
        for part in system.parts:
            print(f"--- {part.name}\n{part.log()[-3000:]}", file=sys.stderr)
        raise
    finally:
        system.end()


async def _ask(service: Service) -> bool:
    return await service.is_ready()


def children(pid: int | None = None) -> set[int]:
    """The process ids of a process's own children, of this one's without an id."""
    return set(_children(os.getpid() if pid is None else pid))


def _children(pid: int) -> list[int]:
    return [int(child) for thread in Path(f"/proc/{pid}/task").glob("*/children") for child in _read(thread).split()]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
