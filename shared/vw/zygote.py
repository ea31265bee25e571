"""Learning processes without their start: forks of one that has loaded Vowpal Wabbit, which takes more than .1 s."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec

from shared.vw import confinement
from shared.vw.zygote_process import Order, Told

MOST_READ = 4_096  # bytes at once
KILLED = -9  # what a fork is taken to have ended with of which nothing is known


class Fork:
    """A learning process."""

    def __init__(self, pid: int, kill: Callable[[int], None]) -> None:
        self.pid, self._kill = pid, kill
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def end(self, status: int) -> None:
        """It has ended."""
        self._ended.set_result(status)

    @property
    def returncode(self) -> int | None:
        """As of `asyncio.subprocess.Process`; None while it runs."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def kill(self) -> None:
        self._kill(self.pid)


class Zygote:
    """Starts with the first fork, and again if it has ended."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._reading: asyncio.Task[None] | None = None
        self._forking = asyncio.Lock()
        self._forked: asyncio.Future[Fork] | None = None
        self._forks: dict[int, Fork] = {}

    @property
    def pid(self) -> int | None:
        """The id of the process, None if none runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def fork(self, order: Order, events: int, errors: int) -> Fork:
        """A process that carries out an order to learn. events, errors: descriptors, which stay the caller's to close.

        Raises OSError.
        """
        async with self._forking:
            control = await self._started()
            self._forked = asyncio.get_running_loop().create_future()
            socket.send_fds(control, [msgspec.json.encode(order) + b"\n"], [events, errors])
            return await self._forked

    def _kill(self, pid: int) -> None:
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.send(msgspec.json.encode(Order(kill=pid)) + b"\n")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the process and its forks."""
        async with self._forking:
            await self._end()

    async def _started(self) -> socket.socket:
        if self._control is not None and self._reading is not None and not self._reading.done():
            return self._control
        await self._end()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "shared.vw.zygote_process", str(theirs.fileno())),
                env=confinement.environment(),
                cwd=Path(__file__).parents[2],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._control.setblocking(False)
        self._reading = asyncio.create_task(self._read(self._control))
        return self._control

    async def _read(self, control: socket.socket) -> None:
        """Takes what the process tells, until it ends; then all of its forks are lost."""
        loop, unread = asyncio.get_running_loop(), b""
        with contextlib.suppress(OSError):
            while data := await loop.sock_recv(control, MOST_READ):
                *lines, unread = (unread + data).split(b"\n")
                for line in lines:
                    self._take(msgspec.json.decode(line, type=Told))
        for fork in self._forks.values():
            fork.end(KILLED)
        self._forks.clear()
        if self._forked is not None and not self._forked.done():
            self._forked.set_exception(OSError("the process that learners are forks of has ended"))

    def _take(self, told: Told) -> None:
        if told.ended:
            self._forks.pop(told.ended).end(told.status)
            return
        fork = self._forks[told.forked] = Fork(told.forked, self._kill)
        if self._forked is not None and not self._forked.done():
            self._forked.set_result(fork)

    async def _end(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._reading is not None:
            await self._reading
        if self._control is not None:
            self._control.close()
        self._control = self._process = self._reading = None
