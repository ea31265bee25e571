"""One listening socket on loopback that several processes serve, and how many connections each of them has."""

from __future__ import annotations

import mmap
import os
import socket
import tempfile
from typing import NamedTuple

HOST, BACKLOG = "127.0.0.1", 2048
_SLOT = 4  # bytes of one process's count


class Place(NamedTuple):
    """What one of the processes inherits, two descriptors, and which of them it is, from 0."""

    listener: int
    counts: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Place:
        """Of an option's value, for instance `5,6,0`; raises ValueError."""
        listener, counts, number = map(int, text.split(","))
        return cls(listener, counts, number)

    def __str__(self) -> str:
        return f"{self.listener},{self.counts},{self.number}"


class Listening:
    """The supervisor's side. It stays open while a process is replaced, so that connections wait and are not refused.

    Raises OSError if the port cannot be had.
    """

    def __init__(self, port: int, processes: int = 1) -> None:
        self._listener = socket.create_server((HOST, port), backlog=BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self._counts = tempfile.TemporaryFile()  # noqa: SIM115
        self._counts.truncate(processes * _SLOT)
        descriptors = self._listener.fileno(), self._counts.fileno()
        self.places = [Place(*descriptors, number) for number in range(processes)]

    def close(self) -> None:
        """The processes have copies of their own: connections are refused once they, too, have closed theirs."""
        self._listener.close()
        self._counts.close()


class Counts:
    """The connections of all processes. Each writes its own number, so that none waits for another."""

    def __init__(self, place: Place) -> None:
        self._all = memoryview(mmap.mmap(place.counts, os.fstat(place.counts).st_size)).cast("I")
        self._own = place.number
        self._all[self._own] = 0  # a process that was killed has left its own there

    @property
    def is_alone(self) -> bool:
        """True if no other process serves the socket."""
        return len(self._all) == 1

    @property
    def is_least(self) -> bool:
        """True if no other process has fewer connections than this one."""
        return self._all[self._own] <= min(self._all)

    def add(self, connections: int) -> None:
        """Counts connections that this process has taken or, below 0, that have ended."""
        self._all[self._own] += connections
