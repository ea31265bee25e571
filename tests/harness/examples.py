"""The applications of examples/, each with nothing but what its requirements.txt asks for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import httpx
import pytest

from harness.system import ADMIN_KEY, CONFIGURATION, PROJECT, System, wait_until
from local.azurite import python_packages
from local.packages import InstallError
from local.services import free_port

EXAMPLES = PROJECT / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/requirements.txt"))


@cache
def installed(name: str) -> Path:
    """The folder of an example's packages, installed on first use; the test is skipped where they cannot be."""
    try:
        return python_packages(f"example-{name}", EXAMPLES / name / "requirements.txt")
    except InstallError as error:
        pytest.skip(f"the packages of {name} cannot be installed: {error}")


class Example:
    """An example and the loop it uses: `endpoint` and `key`."""

    def __init__(self, name: str, endpoint: str, key: str) -> None:
        self.name, self.endpoint = name, endpoint
        # -S: without the packages of the environment that runs the tests.
        self._command = [sys.executable, "-S", "-W", "error", str(EXAMPLES / name / f"{name}.py")]
        own = {"PYTHONPATH": str(installed(name)), "PERSONALIZER_ENDPOINT": endpoint, "PERSONALIZER_KEY": key}
        self._environment = os.environ | own

    def start(self, *options: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([*self._command, *options], env=self._environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *options: str) -> tuple[str, str]:
        """What it prints, and its complaints."""
        return printed(self.start(*options))

    @contextmanager
    def served(self) -> Iterator[httpx.Client]:
        """A client of its web server, until the block ends."""
        port = free_port()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen([*self._command, "--port", str(port)], env=self._environment, **quiet) as server:
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                    wait_until(lambda: server.poll() is not None or _answers(client), f"{self.name} answers")
                    yield client
            finally:
                server.terminate()


def printed(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What an example that was started prints, and its complaints. Its exit status has to be 0."""
    with process:
        output, complaints = process.communicate(timeout=300)
    assert process.returncode == 0, output + complaints
    return output, complaints


def with_loop(system: System, name: str, loop: str, **configuration: object) -> Example:
    """The example with a new loop of this name, that learns within seconds unless the configuration says otherwise."""
    owner = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    endpoint = f"{system.url}/loops/{loop}"
    made = httpx.put(endpoint, headers=owner, timeout=30).raise_for_status().json()
    body = CONFIGURATION | configuration
    service = f"{endpoint}/personalizer/v1.0/configurations/service"
    httpx.put(service, headers=owner, json=body, timeout=30).raise_for_status()
    return Example(name, endpoint, made["appKeys"][0])


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/").status_code == 200
    except httpx.TransportError:
        return False
