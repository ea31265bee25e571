"""The commands of `evaluation`, run in this process; their workers are processes of their own."""

import contextlib
import io
import os
from pathlib import Path
from unittest.mock import patch

from evaluation.__main__ import main
from harness.migration import Done


def run(*arguments: str | Path, **settings: str) -> Done:
    """`python -m evaluation` with nothing but these settings of the function app."""
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
