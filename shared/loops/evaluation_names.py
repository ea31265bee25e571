"""Names of the blobs of evaluations: an id may have any characters, so a digest stands for it."""

import hashlib
from typing import Literal

from shared.loops.blob_names import Home, blob_name

Kind = Literal["evaluations", "importances"]
JOB, RESULT = "job.json", "result.json"


def prefix(home: Home, kind: Kind) -> str:
    """Of all blobs of a kind of jobs."""
    return blob_name(home, kind, "")


def folder(home: Home, kind: Kind, name: str) -> str:
    """The prefix of the blobs of one job, by its id."""
    return f"{prefix(home, kind)}{digest(name)}/"


def digest(text: str) -> str:
    """What stands for a text in a name."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
