"""Compiles what ships: in Azure the package is read-only, so that otherwise every cold start compiles all it imports.

Bytecode is marked as unchecked (PEP 552): it holds no time of its source, so the same source gives the same bytes.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def compile_all(folder: Path, interpreter: str) -> None:
    """Puts the bytecode of every module in a folder beside it. RuntimeError if a module of the app does not compile."""
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", "/"]
    command = [interpreter, "-W", "ignore", "-m", "compileall", *options, str(folder)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONPYCACHEPREFIX", None)
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{interpreter} cannot compile the package:\n{done.stdout}")
