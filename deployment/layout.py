"""The package: the app at its root, its dependencies where the Functions host's Python worker looks for them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from deployment import archive, bytecode, files, wheels
from deployment.target import PROJECT, find_python

LIBRARIES = ".python_packages/lib/site-packages"


def build(package: Path, python: str) -> None:
    """Writes the zip for a Python version; the same project gives the same bytes. RuntimeError says what to do."""
    interpreter = required_python(python)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files.copy(PROJECT, folder)
        wheels.install(folder / LIBRARIES, python)
        bytecode.compile_all(folder, interpreter)
        archive.write(folder, package)


def required_python(version: str) -> str:
    """Path of an interpreter. RuntimeError says how to get one."""
    interpreter = find_python(version)
    if interpreter is None:
        raise RuntimeError(
            f"no Python {version} found to compile the package with: install it, for instance with "
            f"`.venv/bin/uv python install {version}`, or build for another version with PYTHON_VERSION"
        )
    return interpreter
