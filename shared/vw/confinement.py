"""What processes may have and use that VW works in: it reads models and events that came from outside.

They get none of the function app's settings, for these hold keys and connection strings, and cannot fill memory, disk
or the table of processes. Systems without such limits go without.
"""

import contextlib
import os
import sys
from pathlib import Path

MOST_MEMORY_BYTES = 4 << 30
LARGEST_FILE_BYTES = 2 << 30
# Threads and processes beside those that the user has already: the limit of the system counts all of them, also those
# that other programs of a desktop's user start while a limited process lives.
MORE_TASKS = 1024

_KEPT = frozenset(
    ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
)


def environment() -> dict[str, str]:
    """What a Python needs to run here and to find these modules, and no more."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("LC_")}
    return kept | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


def tasks() -> int:
    """How many threads the user of this process has; 0 if the system does not say."""
    user, count = os.getuid(), 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.stat().st_uid == user:
                count += len(os.listdir(process / "task"))
    return count


def limit(running: int, cpu_seconds: int | None = None) -> None:
    """Limits this process, for good. running: as `tasks` says. cpu_seconds: after which it is ended."""
    with contextlib.suppress(ImportError):
        import resource

        limits = {"RLIMIT_AS": MOST_MEMORY_BYTES, "RLIMIT_FSIZE": LARGEST_FILE_BYTES, "RLIMIT_CORE": 0}
        if running:
            limits["RLIMIT_NPROC"] = running + MORE_TASKS
        if cpu_seconds is not None:
            limits["RLIMIT_CPU"] = cpu_seconds
        for name, value in limits.items():
            with contextlib.suppress(AttributeError, ValueError, OSError):
                kind = getattr(resource, name)
                _, hard = resource.getrlimit(kind)
                most = value if hard == resource.RLIM_INFINITY else min(value, hard)
                resource.setrlimit(kind, (most, most))
