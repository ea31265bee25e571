"""Function apps on the local host, started as a user would: as a process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

PROJECT = Path(__file__).parents[3]
Serve = Callable[..., AbstractContextManager[httpx.Client]]


def write_app(folder: Path, body: str, prefix: str = "") -> Path:
    script = folder / "function_app.py"
    head = "import azure.functions as func\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
    script.write_text(head + body)
    http = {"routePrefix": prefix}
    (folder / "host.json").write_text(json.dumps({"version": "2.0", "extensions": {"http": http}}))
    return script


@contextmanager
def serving(folder: Path, body: str, *options: str, prefix: str = "", **settings: str) -> Iterator[httpx.Client]:
    command = [sys.executable, "-m", "local.host", "--port", "0", "--app"]
    command += [str(write_app(folder, body, prefix)), *options]
    with (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=os.environ | settings, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    with process:
        try:
            line = process.stdout.readline()
            assert line.startswith("ready: "), (folder / "stderr").read_text()
            with httpx.Client(base_url=line.split()[1], headers={"X-Pid": str(process.pid)}) as client:
                yield client
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def serve() -> Serve:
    """Start a host for an app's source: `with serve(folder, body, *options, **settings) as client`."""
    return serving
