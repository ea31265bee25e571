"""Builds the package that is deployed to Azure, and tells its size, hash and import time."""

from __future__ import annotations

import argparse
import hashlib
import platform
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

from deployment import figures, layout, target


def main() -> None:
    """Entry point of the command."""
    parser = argparse.ArgumentParser(prog="python -m deployment", description=__doc__)
    python, supported = target.default_python(), target.supported_pythons()
    parser.add_argument("--python", default=python, choices=supported, help=f"what runs it (default: {python})")
    parser.add_argument("--output", type=Path, default=Path("dist/package.zip"), help="default: dist/package.zip")
    given = parser.parse_args()
    try:
        layout.build(given.output, given.python)
        report(given.output, given.python)
    except (RuntimeError, OSError) as error:
        sys.exit(str(error))


def report(package: Path, python: str) -> None:
    """Prints what was built."""
    size = figures.sizes(package)
    unpacked = size.libraries + size.app + size.bytecode
    print(f"{package} for Python {python} on {target.PLATFORM}")
    print(f"sha256  {hashlib.sha256(package.read_bytes()).hexdigest()}")
    print(f"size    {size.zipped:.1f} MB zipped, {unpacked:.1f} MB unpacked", end=": ")
    print(f"libraries {size.libraries:.1f}, bytecode {size.bytecode:.1f}, app {size.app:.1f}")
    print(f"import  {_import_times(package, python)}")


def _import_times(package: Path, python: str) -> str:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return "not measured: the package is for another platform than this machine's"
    with tempfile.TemporaryDirectory() as folder:
        with ZipFile(package) as zipped:
            zipped.extractall(folder)
        app, alone = figures.import_ms(Path(folder), layout.required_python(python))
    ratio = f"{app / alone:.2f} times, goal at most {figures.GOAL:g}"
    return f"function_app {app:.0f} ms, its SDKs alone {alone:.0f} ms: {ratio}"


if __name__ == "__main__":
    main()
