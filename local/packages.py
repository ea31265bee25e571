"""Packages of Python and of Node, installed in quiet: `python -m local.packages REQUIREMENTS` for this environment.

What fails is told in a few lines, and in a single one where there is no network. Only the standard library is used,
because nothing else may be there yet.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# Without a network pip tries for 8 s and npm for 70 s by default, and for each package.
_PIP_SETTINGS = {"PIP_RETRIES": "1", "PIP_DEFAULT_TIMEOUT": "8"}
_NPM_OPTIONS = (
    *("--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts", "--loglevel=error"),
    *("--fetch-retries=2", "--fetch-retry-mintimeout=200", "--fetch-retry-maxtimeout=1000"),
)
# What pip and npm say of a server that cannot be reached.
_OFFLINE = (
    "NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "Network is unreachable", "ProxyError",
    "connection timed out", "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "ETIMEDOUT",
)  # fmt: skip
LAST_WORDS = 2000  # characters of what a program said


class InstallError(RuntimeError):
    """Something was not installed; the text says what to do."""


def pip_install(*arguments: str) -> None:
    """Installs into the environment of this Python, or where `arguments` say; raises InstallError."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar=off",
    ]
    _run([*command, *arguments], _PIP_SETTINGS | os.environ, "PyPI", "set PIP_INDEX_URL to a mirror")


def npm_install(npm: Sequence[str], folder: Path, packages: Sequence[str], path: str) -> None:
    """Installs into the `node_modules` of a folder. npm: its command; path: where it finds its Node. InstallError."""
    cache = [] if os.access(Path.home(), os.W_OK) else ["--cache", str(folder / "cache")]
    command = [*npm, "install", "--prefix", str(folder), *_NPM_OPTIONS, *cache, *packages]
    _run(command, os.environ | {"PATH": path}, "the npm registry", "set npm_config_registry to a mirror")


def _run(command: Sequence[str], environment: Mapping[str, str], source: str, otherwise: str) -> None:
    result = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if not result.returncode:
        return
    if any(sign in result.stdout for sign in _OFFLINE):
        raise InstallError(
            f"No network: {source} cannot be reached. Connect, or {otherwise}, and give the same command again."
        )
    raise InstallError(f"{Path(command[0]).name} failed:\n{result.stdout[-LAST_WORDS:].strip()}")


def main() -> None:
    """Entry point of the command."""
    try:
        for file in sys.argv[1:]:
            pip_install("-r", file)
    except InstallError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Interrupted: give the same command again.")


if __name__ == "__main__":
    main()
