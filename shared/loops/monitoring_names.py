"""Names of the blobs that tell how a loop is doing. They go with the loop, and with its log."""

from shared.loops.blob_names import Home, blob_name


def alarms(home: Home) -> str:
    """How its alarms stand, and how they have stood."""
    return blob_name(home, "alarms.json")


def headline(home: Home) -> str:
    """What is told of it first."""
    return blob_name(home, "headline.json")
