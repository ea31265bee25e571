"""What Linux says about a process: its CPU time and its memory."""

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
