"""What the package is built for: pyproject.toml names the Python, Azure Functions gives the platform."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
# Flex Consumption runs Linux on x86-64 only; its oldest image has glibc 2.31, whose nearest wheel tag below is 2.28.
PLATFORM = "x86_64-manylinux_2_28"

_CLASSIFIER = "Programming Language :: Python :: 3."
_SAY_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


def default_python() -> str:
    """The Python version that runs the app in Azure, such as "3.12"."""
    version: str = _pyproject()["tool"]["deployment"]["python"]
    return version


def supported_pythons() -> list[str]:
    """All Python versions that the app supports, oldest first."""
    classifiers = _pyproject()["project"]["classifiers"]
    return [one.rpartition(" ")[2] for one in classifiers if one.startswith(_CLASSIFIER)]


def find_python(version: str) -> str | None:
    """Path of an interpreter of this version on this machine, or None."""
    return next((python for python in _candidates(version) if _version(python) == version), None)


def _candidates(version: str) -> Iterator[str]:
    yield sys.executable
    if found := shutil.which(f"python{version}"):
        yield found
    # pyenv's shims only start the versions that are chosen; what else it installed is here.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}")))


def _version(python: str) -> str:
    try:
        done = subprocess.run([python, "-I", "-c", _SAY_VERSION], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text())
