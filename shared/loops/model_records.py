"""What a checkpoint tells of models: the one that serves, the one that undo would put back, the one in the making."""

from datetime import datetime

import msgspec

from shared.loops.artifacts import Artifact
from shared.loops.config import Aggregation
from shared.vw.experience import Experience
from shared.vw.schedule import Fall
from shared.vw.schema import Schema


class RewardSettings(msgspec.Struct, frozen=True):
    """What decided the labels that a model has learned."""

    wait: float
    default: float
    aggregation: Aggregation


class Past(msgspec.Struct, frozen=True):
    """What a model has been through, if its policy asks for it. schema: the crossings that it was made with.

    experience: as of the last event that it has learned. actions: those that it knows, as `KnownActions` writes them.
    """

    schema: Schema
    experience: Experience
    actions: Artifact | None = None


class ModelRecord(msgspec.Struct, frozen=True):
    """A published model: the trainer's state and the copy that serves.

    rewards: the settings it was learned with, None if that is not known. since: it has learned the runs of the log
    whose cut is not before (ms), 0 for all. learned: how many events it has learned, None if that is not known.
    """

    version: str
    trainer: Artifact
    predict: Artifact
    created: str
    arguments: str
    rewards: RewardSettings | None = None
    since: int = 0
    learned: int | None = None
    past: Past | None = None

    @property
    def fall(self) -> Fall | None:
        """Why it explores anew, if it does."""
        return self.past.experience.schedule.fall if self.past is not None else None

    @property
    def born(self) -> float:
        """When it was made, s since 1970."""
        return datetime.fromisoformat(self.created).timestamp()


class Place(msgspec.Struct, frozen=True):
    """A line of the joined log: the file name of its blob, in whose order the log is, and its number from 0."""

    file: str
    line: int = 0


class Backlog(msgspec.Struct, frozen=True):
    """What is logged and not learned yet: from which line on, and how many events that are to be learned."""

    at: Place
    events: int


class ReplacedModel(msgspec.Struct, frozen=True):
    """The model that the last change of policy or model replaced.

    backlog: what was logged and it had not learned. counted: how many events were learned then, or waited for it.
    at: when it was replaced, ms since 1970. unverified: as of the state that had it.
    """

    model: ModelRecord
    backlog: Backlog
    counted: int
    at: int
    unverified: bool = False


class Draft(msgspec.Struct, frozen=True):
    """A model that learns the log anew, a part in each run, while the one before it serves.

    at: the first line that it has not learned. state: the trainer's state so far, None before the first part; past:
    what goes with it. learned: how many events it knows.
    """

    arguments: str
    rewards: RewardSettings
    since: int
    at: Place
    state: Artifact | None = None
    learned: int = 0
    past: Past | None = None
