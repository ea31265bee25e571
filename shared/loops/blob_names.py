"""Folders and names of blobs: where those of a loop are, and how a training run names what it stores."""

import time
from typing import NewType

# A loop's blob folder; a loop remade under an old name gets a new one.
Home = NewType("Home", str)
DEFAULT_HOME = Home("default")


def home_of(loop: str, created: str) -> Home:
    """A loop's blob folder; a loop remade under an old name gets a new one.

    So what a trainer is still storing for the earlier loop never becomes a part of the later one. created: when the
    loop was made, empty for the loop default.
    """
    return Home(f"{loop}/{''.join(filter(str.isalnum, created))}") if created else Home(loop)


def blob_name(home: Home, *parts: str) -> str:
    """The name of one of a loop's blobs, for instance `loops/default/checkpoint.json`."""
    return "/".join(("loops", home, *parts))


def loop_of(home: Home) -> str:
    """The name of the loop whose home it is."""
    return home.partition("/")[0]


def all_homes(loop: str) -> str:
    """The prefix of the blobs of all loops that ever had this name."""
    return f"loops/{loop}/"


def run_name(cut: int) -> str:
    """The name of a run and of what it publishes, in order of time: `20260131T235959123Z`."""
    seconds, milliseconds = divmod(cut, 1000)
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds)) + f"{milliseconds:03d}Z"
