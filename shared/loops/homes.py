"""Where the blobs of a loop are."""

from typing import NewType

# The folder of one loop: of its name, and of this one among all that ever had it.
Home = NewType("Home", str)
DEFAULT_HOME = Home("default")


def home_of(loop: str, created: str) -> Home:
    """The home of a loop that was made at that time, empty for the default one.

    One that is made anew has another: what a trainer is still storing for its predecessor never becomes its own.
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
