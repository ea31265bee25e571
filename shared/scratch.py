"""Folders for files that a process needs for a while; those of processes that were killed are swept."""

import os
import re
import shutil
import tempfile
from pathlib import Path

PREFIX = "open-personalizer"
_NAME = re.compile(rf"{PREFIX}-(\d+)-.+")


def folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that is deleted when its block ends. Its name says whose it is."""
    return tempfile.TemporaryDirectory(prefix=f"{PREFIX}-{os.getpid()}-")


def sweep() -> int:
    """Deletes the folders of processes that have ended without doing so; the number of folders."""
    left = [found for found in Path(tempfile.gettempdir()).iterdir() if _is_left(found.name)]
    for found in left:
        shutil.rmtree(found, ignore_errors=True)
    return len(left)


def _is_left(name: str) -> bool:
    match = _NAME.fullmatch(name)
    if match is None:
        return False
    try:
        os.kill(int(match[1]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # it runs, and is another user's
        return False
    return False
