"""The servers that are measured, as processes."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

PROJECT = Path(__file__).parent.parent
APPS = PROJECT / "benchmarks"
PRODUCT, HELLO, FLOOR = PROJECT / "function_app.py", APPS / "hello_app.py", APPS / "floor_app.py"


class Server:
    """A process that serves on a free port from the moment it is made. A context manager that ends it.

    inherited: descriptors of this process that it gets.
    """

    def __init__(
        self, environment: dict[str, str], module: str, *options: str, inherited: tuple[int, ...] = ()
    ) -> None:
        command = [sys.executable, "-m", module, *options]
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            pass_fds=inherited,
        )
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        if not ready.startswith("ready: "):
            self._log.seek(0)
            raise RuntimeError(f"{module} did not start:\n{self._log.read()}")
        self.port = int(ready.rpartition(":")[2])

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._process.terminate()
        with self._process, self._log:
            self._process.wait()


class Host(Server):
    """The local Functions host with an app."""

    def __init__(
        self, environment: dict[str, str], *options: str, app: Path = PRODUCT, inherited: tuple[int, ...] = ()
    ) -> None:
        super().__init__(environment, "local.host", "--port", "0", "--app", str(app), *options, inherited=inherited)
