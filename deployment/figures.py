"""What a package weighs, and how long it takes to import."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple
from zipfile import ZipFile

from deployment.layout import LIBRARIES

# What the app cannot do without, as in `python -m benchmarks start`.
SDKS = ("azure.functions", "azure.eventhub.aio", "azure.storage.blob.aio", "vowpalwabbit")
# How much longer the app may take to import than these alone.
GOAL = 1.1
ROUNDS = 5

_IMPORT = """
import sys, time
sys.path[:0] = sys.argv[2:]
begun = time.perf_counter()
for name in sys.argv[1].split(","):
    __import__(name)
print((time.perf_counter() - begun) * 1e3)
"""


class Sizes(NamedTuple):
    """Megabytes (10^6 bytes): of the zip, and unpacked of the libraries, of the app, of the bytecode of both."""

    zipped: float
    libraries: float
    app: float
    bytecode: float


def sizes(archive: Path) -> Sizes:
    libraries = app = bytecode = 0
    with ZipFile(archive) as zipped:
        for entry in zipped.infolist():
            if entry.filename.endswith(".pyc"):
                bytecode += entry.file_size
            elif entry.filename.startswith(LIBRARIES):
                libraries += entry.file_size
            else:
                app += entry.file_size
    return Sizes(archive.stat().st_size / 1e6, libraries / 1e6, app / 1e6, bytecode / 1e6)


def import_ms(unpacked: Path, interpreter: str) -> tuple[float, float]:
    """Milliseconds of importing the app, and of importing its SDKs alone; medians, each in processes of their own."""
    app, alone = [], []
    for _ in range(ROUNDS):
        app.append(_import_ms(unpacked, interpreter, ("function_app",)))
        alone.append(_import_ms(unpacked, interpreter, SDKS))
    return median(app), median(alone)


def _import_ms(unpacked: Path, interpreter: str, names: Sequence[str]) -> float:
    folders = [str(unpacked / LIBRARIES), str(unpacked)]
    command = [interpreter, "-I", "-S", "-B", "-c", _IMPORT, ",".join(names), *folders]
    done = subprocess.run(command, env={}, cwd=unpacked, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the package cannot be imported:\n{done.stderr}")
    return float(done.stdout)
