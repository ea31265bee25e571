"""The app's dependencies, installed from wheels of the target's Python and platform as requirements.lock has them."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from uv import find_uv_bin

from deployment import files
from deployment.target import PLATFORM, PROJECT

LOCK, REQUIREMENTS = PROJECT / "requirements.lock", PROJECT / "requirements.txt"

# Never read when the app runs: scripts, what compilers and type checkers read, tests, records of the installation.
UNUSED = (
    *("/bin/", "*.pyi", "*.pyx", "*.pxd", "*.c", "*.h", "tests/"),
    *("*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED", ".lock"),
)


def install(folder: Path, python: str) -> None:
    """Fills a folder with what the app imports on this Python version. RuntimeError says what to do."""
    check_lock(REQUIREMENTS.read_text(), LOCK.read_text())
    with tempfile.TemporaryDirectory() as unpacked:
        _install(Path(unpacked), python)
        for path in files.kept(Path(unpacked), UNUSED):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            (Path(unpacked) / path).rename(target)


def check_lock(requirements: str, lock: str) -> None:
    """RuntimeError if the lock does not pin what the requirements pin."""
    locked = set(re.findall(r"^[\w.-]+==[\w.]+", lock, re.MULTILINE))
    missing = set(re.findall(r"^[\w.-]+==[\w.]+", requirements, re.MULTILINE)) - locked
    if missing:
        raise RuntimeError(f"requirements.lock does not have {', '.join(sorted(missing))}: run `make lock`")


def _install(folder: Path, python: str) -> None:
    options = [
        *("--target", str(folder), "--python-version", python, "--python-platform", PLATFORM),
        *("--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirements", str(LOCK)),
        *("--python", sys.executable, "--link-mode", "copy", "--no-compile-bytecode", "--quiet"),
    ]
    done = subprocess.run([find_uv_bin(), "pip", "install", *options], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the dependencies cannot be installed; is the package index reachable?\n{done.stderr}")
