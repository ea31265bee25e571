"""The service under its own supervisor, `python -m local --workers N`, and which of the processes has a connection."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from harness.system import PROJECT, System, wait_until
from local import services


class Workers:
    """A run of the command, with what it says."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port
        self.said: list[str] = []
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        self.said.extend(iter(self.process.stdout.readline, ""))

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self._listening.join()

    def until(self, text: str, seconds: float = 60) -> None:
        wait_until(lambda: any(text in line for line in self.said), f"{text!r} is said: {self.said}", seconds)

    def pids(self) -> dict[int, int]:
        """Process ids of those that answer HTTP, by their number from 1."""
        found = {}
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            if "--shared" in words:
                found[int(words[words.index("--shared") + 1].rpartition(",")[2]) + 1] = int(pid)
        return found

    def connect(self) -> HTTPConnection:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.connect()
        return connection

    def owner(self, connection: HTTPConnection) -> int | None:
        """The number of the process that has accepted it; None if none has yet."""
        port = connection.sock.getsockname()[1]
        rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        ends = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(f":{port:04X}")}
        return next((number for number, pid in self.pids().items() if ends & _sockets(pid)), None)

    @contextmanager
    def one_to_each(self) -> Iterator[dict[int, HTTPConnection]]:
        """A connection to each process."""
        found: dict[int, HTTPConnection] = {}
        opened: list[HTTPConnection] = []

        def all_found() -> bool:
            opened.append(self.connect())
            owner = wait_until(lambda: self.owner(opened[-1]), "the connection is accepted")
            found.setdefault(owner, opened[-1])
            return found.keys() == self.pids().keys()

        try:
            wait_until(all_found, "every process has a connection")
            yield found
        finally:
            for connection in opened:
                connection.close()


def _sockets(pid: int) -> set[str]:
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(str(descriptor.readlink()))
        except OSError:  # closed meanwhile
            continue
    return found


@contextmanager
def command(data: Path, workers: int, settings: dict[str, str], *options: str) -> Iterator[Workers]:
    """The command with these settings, from its start; it is ended with the block."""
    port = services.free_port()
    words = [sys.executable, "-m", "local", "--port", str(port), "--data", str(data), "--workers", str(workers)]
    with subprocess.Popen(
        [*words, *options],
        cwd=PROJECT,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        run = Workers(process, port)
        try:
            yield run
        finally:
            run.end()


@contextmanager
def supervised(data: Path, workers: int, **settings: str) -> Iterator[tuple[System, Workers]]:
    """The system whose HTTP functions and timers run under the command; both servers are the test's own."""
    system = System(data, **settings)
    try:
        for part in (system.storage, system.event_hubs):
            part.start()
        for part in (system.storage, system.event_hubs):
            part.ready()
        with command(data / "run", workers, system.settings) as run:
            run.until("ready: ")
            system.url = f"http://127.0.0.1:{run.port}"
            yield system, run
    finally:
        system.end()
