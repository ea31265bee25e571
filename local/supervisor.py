"""Keep a few processes running: start, wait until they answer, restart what dies or hangs, stop all."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from local import pulse
from local.pulse import Ear

START_SECONDS = 60
STOP_SECONDS = 8
STEADY_SECONDS = 10
# How long a process may give no sign of life: its event loop is never blocked for so long by work.
SILENT_SECONDS = 30
LONGEST_PAUSE_SECONDS = 10.0
LOG_BYTES = 16 << 20
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class StartError(Exception):
    """A process did not start; the text says why."""


@dataclass(frozen=True)
class Service:
    """A command, the settings it gets beside those of this process, and how to tell that it can serve.

    inherited: descriptors of this process that it gets, too.
    """

    name: str
    command: list[str]
    is_ready: Callable[[], Awaitable[bool]]
    settings: dict[str, str] = field(default_factory=dict)
    inherited: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Child:
    """A running process, and what is heard of it."""

    process: Process
    ear: Ear


class Supervisor:
    """Runs services from a folder, their output in `logs`; `held` is a file descriptor every child inherits.

    silent: after how many seconds without a sign of life a process is killed, and so started again.
    """

    def __init__(
        self, folder: Path, logs: Path, held: int, say: Callable[[str], None], silent: int = SILENT_SECONDS
    ) -> None:
        self._folder = folder
        self._logs = logs
        self._held = held
        self._say = say
        self._silent = silent
        self._groups: list[list[asyncio.Task[None]]] = []
        self._log_starts: dict[str, int] = {}

    async def start(self, *services: Service) -> None:
        """Start services together and return when all answer. StartError if one of them ends or stays silent."""
        started = [(service, await self._spawn(service)) for service in services]
        up = asyncio.Event()
        self._groups.append([asyncio.create_task(self._keep(service, child, up)) for service, child in started])
        for service, child in started:
            await self._wait_until_ready(service, child)
        up.set()

    async def stop(self) -> None:
        """Stop everything, the services started last first."""
        while self._groups:
            group = self._groups.pop()
            for task in group:
                task.cancel()
            await asyncio.gather(*group, return_exceptions=True)

    async def _wait_until_ready(self, service: Service, child: _Child) -> None:
        """Waits for a sign of life, too: on a port that several processes serve, another one may have answered."""
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not (child.ear.listen() and await service.is_ready()):
            if (code := child.process.returncode) is not None:
                raise StartError(f"{service.name} {_describe(code)} at start:\n{self._tail(service)}")
            if asyncio.get_running_loop().time() > deadline:
                raise StartError(f"{service.name} did not answer in {START_SECONDS} s:\n{self._tail(service)}")
            await asyncio.sleep(0.05)

    async def _keep(self, service: Service, child: _Child, up: asyncio.Event) -> None:
        pause, clock = 0.1, asyncio.get_running_loop().time
        try:
            await up.wait()
            while True:
                since = clock()
                code = await self._ended(service, child)
                self._say(f"{service.name} {_describe(code)}; restarting it (see {self._log(service)})")
                child.ear.close()
                pause = 0.1 if clock() - since > STEADY_SECONDS else min(pause * 2, LONGEST_PAUSE_SECONDS)
                await asyncio.sleep(pause)
                child = await self._spawn(service)
        finally:
            await _end(child.process)
            child.ear.close()

    async def _ended(self, service: Service, child: _Child) -> int:
        """Waits for the end of a process, which is now if it hangs; its status."""
        waiting = asyncio.create_task(child.process.wait())
        try:
            while not (await asyncio.wait([waiting], timeout=pulse.SECONDS))[0]:
                limit = self._silent if child.ear.heard_anything else START_SECONDS
                if child.ear.silent() >= limit:
                    self._say(f"{service.name} has given no sign of life for {limit} s; killing it")
                    child.process.kill()
                    break
            return await waiting
        finally:
            waiting.cancel()

    async def _spawn(self, service: Service) -> _Child:
        self._logs.mkdir(parents=True, exist_ok=True)
        path = self._log(service)
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".old.log"))
        parent, ear = os.getpid(), Ear()
        own = {"PYTHONUNBUFFERED": "1", pulse.SETTING: str(ear.write)}
        with path.open("ab") as output:
            self._log_starts[service.name] = output.tell()
            process = await asyncio.create_subprocess_exec(
                *service.command,
                cwd=self._folder,
                env=os.environ | own | service.settings,
                stdin=DEVNULL,
                stdout=output,
                stderr=STDOUT,
                start_new_session=True,  # Ctrl-C reaches this process alone, which stops the others in order.
                pass_fds=(self._held, ear.write, *service.inherited),
                preexec_fn=lambda: _die_with(parent),
            )
        ear.close_write()
        return _Child(process, ear)

    def _log(self, service: Service) -> Path:
        return self._logs / f"{service.name}.log"

    def _tail(self, service: Service) -> str:
        lines = self._log(service).read_bytes()[self._log_starts[service.name] :].decode(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-15:])


def _die_with(parent: int) -> None:
    """Runs in the child: on Linux the kernel kills it when its parent is gone, however that ended."""
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def _describe(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


async def listens(port: int) -> bool:
    """Whether something accepts connections on this port of 127.0.0.1."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def is_healthy(port: int) -> bool:
    """Whether `GET /health` answers, be it that something is not well: under load it may be for long."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        status = await asyncio.wait_for(reader.readline(), 5)
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
    return status.split()[1:2] in ([b"200"], [b"503"])
