"""What Linux says about a process: its CPU time and its memory."""

import contextlib
from collections.abc import Iterator
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """User and system time of its threads, without its children, to the nanosecond."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def resident_mb(pid: int) -> float:
    """Memory it holds now."""
    return _status(pid, "VmRSS")


def peak_mb(pid: int) -> float:
    """The most memory it ever held."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def family_mb(pid: int) -> float:
    """Memory that it and all processes below it hold now; what they share is counted once."""
    return sum(map(_proportional_mb, _family(pid)))


def _family(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):  # it has just ended
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from _family(int(child))


def _proportional_mb(pid: int) -> float:
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return 0.0
