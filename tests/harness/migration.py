"""The commands of `migration`, run in this process on containers of their own, where no trainer is."""

import contextlib
import io
import os
import uuid
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from harness.stored import Loop
from harness.system import ADMIN_KEY, System
from migration.__main__ import main


class Done(NamedTuple):
    """What a command said, and its exit status."""

    status: int
    stdout: str
    stderr: str


def run(*arguments: str | Path, **settings: str) -> Done:
    """`python -m migration` with nothing but these settings of the function app."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STORAGE_")}
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, environment | settings, clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as error:
            status = int(error.code or 0)
    return Done(status, out.getvalue(), err.getvalue())


class Aside:
    """The loop `default` of a container that nobody else uses."""

    def __init__(self, system: System) -> None:
        self.container = f"test-{uuid.uuid4().hex[:12]}"
        self.system = system
        self.settings = {
            "STORAGE_CONNECTION_STRING": system.settings["STORAGE_CONNECTION_STRING"],
            "STORAGE_CONTAINER": self.container,
            "ADMIN_KEYS": ADMIN_KEY,
        }

    @property
    def loop(self) -> Loop:
        return Loop(self.system, self.container)

    def run(self, *arguments: str | Path) -> Done:
        return run(*arguments, **self.settings)
