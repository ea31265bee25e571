"""A process's sign of life: a byte each second, from its event loop, into a pipe that its supervisor reads.

A process that hangs, or whose event loop does, gives none. Nothing has to answer on a port for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os

# The setting that has the number of the pipe's descriptor; without it nobody listens.
SETTING = "SUPERVISOR_PIPE"
SECONDS = 1.0


def start() -> asyncio.Task[None] | None:
    """Begins to give signs of life on the running event loop, if a supervisor asks for them."""
    pipe = os.environ.get(SETTING)
    return asyncio.get_running_loop().create_task(_beat(int(pipe))) if pipe else None


async def _beat(pipe: int) -> None:
    while True:
        with contextlib.suppress(OSError):  # full: the supervisor is being stopped itself; broken: it is gone
            os.write(pipe, b".")
        await asyncio.sleep(SECONDS)


class Ear:
    """The supervisor's end: how many times in a row there was nothing to hear."""

    def __init__(self) -> None:
        self._read, self.write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self.write, False)
        self.heard_anything = False
        self._silent, self._is_closed = 0, False

    def listen(self) -> bool:
        """True if anything was heard so far."""
        return self.heard_anything or self._hears()

    def silent(self) -> int:
        """Listens once. Looks are counted and not time, which goes on while this machine or process is suspended."""
        self._silent = 0 if self._hears() else self._silent + 1
        return self._silent

    def _hears(self) -> bool:
        try:
            heard = bool(os.read(self._read, 4096))
        except BlockingIOError:
            heard = False
        self.heard_anything |= heard
        return heard

    def close_write(self) -> None:
        """After the process has its own copy."""
        os.close(self.write)

    def close(self) -> None:
        """Stops listening; once more does nothing."""
        if not self._is_closed:
            self._is_closed = True
            os.close(self._read)
