"""The checkpoint: the one blob whose conditional replacement commits a training run.

A run is planned, before it stores anything, by writing `plan` into the checkpoint: its instant, how far each partition
is read and the configuration in effect. Whoever executes the plan, and however often, does the same work under the same
names; so a killed run leaves nothing behind that the next one does not overwrite with itself.
"""

import hashlib
from datetime import datetime

import msgspec

from shared.loops import exact_sum, unreadable
from shared.loops.apprentice import Apprentice
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import Home, blob_name, run_name
from shared.loops.calibration import Calibration
from shared.loops.config import Aggregation, LoopConfig
from shared.loops.reward_sums import EarlierStatistics, Statistics
from shared.vw.experience import Experience
from shared.vw.schedule import Fall
from shared.vw.schema import Schema

# Version 2 has a backlog or a draft, version 3 windows in parts or a merged log, version 4 a model with experience,
# version 5 exact sums or summaries, version 6 erased events: earlier versions of this module would drop them.
VERSION, WITH_BACKLOG, WITH_PARTS, WITH_EXPERIENCE, WITH_SUMMARIES, LATEST = 1, 2, 3, 4, 5, 6
# What policy a loop has that nobody has configured: until 0.2 it was `policy.EARLIER_ARGUMENTS`.
DEFAULTS = 1
FILE = "checkpoint.json"
# A run closes interactions of one stretch of time at most, so that a backlog is worked off in batches that fit the
# disk: those of its summary are at most so much older than its cut.
LONGEST_RUN_MS = 600_000


class Plan(msgspec.Struct, frozen=True):
    """One training run. `cut` (ms since 1970): interactions enqueued up to it are closed by this run.

    interactions, observations: the last sequence number of each partition to be read, -1 for none.
    """

    run: str
    cut: int
    interactions: list[int]
    observations: list[int]
    config: LoopConfig


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


class WindowPart(msgspec.Struct, frozen=True):
    """Some of the windows that the join remembers, as a `WindowFile`: how many, and when (ms) the last of them ends."""

    file: Artifact
    length: int
    last: int


class Summarised(msgspec.Struct, frozen=True):
    """Of which decisions there are summaries, beside the damaged ones: those ranked after `since` (ms since 1970).

    deleted: the cut when all of the log was last deleted, 0 if it never was; summaries up to there do not count.
    """

    since: int = 0
    deleted: int = 0


class Counts(msgspec.Struct, frozen=True):
    """What became of the events since the loop began. Every event read is in exactly one count of its kind.

    Interactions: learned, skipped (deferred and never activated, or of the other kind than the policy, single-slot or
    multi-slot), logged (ranked in mode LoggingOnly), duplicate_ranks, rejected (joined and logged, but their model was
    refused). Observations: matched, late, orphans, duplicate_observations. Of events that were erased before they were
    joined: erased, erased_observations. Either: unreadable. `rewarded` of the learned interactions had a reward, the
    others got the default. erased_lines: those of the joined interactions whose lines were erased since. expired:
    messages of the hubs, with events of this loop or of others, that were gone before they were read.
    """

    learned: int = 0
    rewarded: int = 0
    skipped: int = 0
    logged: int = 0
    rejected: int = 0
    duplicate_ranks: int = 0
    matched: int = 0
    late: int = 0
    orphans: int = 0
    duplicate_observations: int = 0
    unreadable: int = 0
    expired: int = 0
    erased: int = 0
    erased_observations: int = 0
    erased_lines: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return self._with(other, 1)

    def minus(self, other: "Counts") -> "Counts":
        return self._with(other, -1)

    def _with(self, other: "Counts", sign: int) -> "Counts":
        names = self.__struct_fields__
        return Counts(**{name: getattr(self, name) + sign * getattr(other, name) for name in names})

    @property
    def ranks(self) -> dict[str, int]:
        """What became of the interactions."""
        return {
            "learned": self.learned,
            "skipped": self.skipped,
            "logged": self.logged,
            "rejected": self.rejected,
            "duplicate": self.duplicate_ranks,
            **({"erased": self.erased} if self.erased else {}),
        }

    @property
    def observations(self) -> dict[str, int]:
        """What became of the rewards and activations."""
        return {
            "on_time": self.matched,
            "late": self.late,
            "orphan": self.orphans,
            "duplicate": self.duplicate_observations,
            **({"erased": self.erased_observations} if self.erased_observations else {}),
        }

    @property
    def defaulted(self) -> int:
        """Interactions that were learned without a reward of their own."""
        return self.learned - self.rewarded

    @property
    def fates(self) -> dict[str, int]:
        """The same as a log line tells it."""
        return {
            "joined": self.learned + self.skipped + self.logged + self.rejected,
            "learned": self.learned,
            "on_time": self.matched,
            "late": self.late,
            "orphan": self.orphans,
            "duplicate": self.duplicate_ranks + self.duplicate_observations,
            "defaulted": self.defaulted,
            "skipped": self.skipped,
            "unreadable": self.unreadable,
            "expired": self.expired,
        }


class Checkpoint(msgspec.Struct, frozen=True):
    """The state of a loop's training. Positions are sequence numbers by partition, the last one done, -1 for none.

    interactions: closed up to here. observations: settled up to here. observed: read by earlier runs up to here;
    those between `observations` and `observed` may belong to interactions that are still open. windows: what the
    join remembers, the oldest part first; `seen` is all of it as versions before 3 have stored it. apprentice: None
    until a decision of that mode is joined. calibration: None until a model has judged events. epoch: how often an
    administrator replaced or deleted the model; unverified: nobody vouches for what it came from. backlog: what the
    model has not learned. draft: the one that will replace it. damaged: the files of the log that could not be read
    to their end when it was last learned again. merges: how often runs of the log were merged or all of it was
    deleted; merged: the catalogue of the blobs into which they were. defaults: DEFAULTS, 0 in what earlier versions
    have committed. summarised: None if no run has stored a summary. erased: the keys of events that were erased.
    replaced: what undo would put back, None if no model was replaced, or the last change was undone.
    """

    v: int = VERSION
    cut: int = 0
    interactions: list[int] = []
    observations: list[int] = []
    observed: list[int] = []
    seen: Artifact | None = None
    model: ModelRecord | None = None
    first_model: str | None = None
    counts: Counts = Counts()
    statistics: Statistics = msgspec.field(default_factory=Statistics, name="sums")
    apprentice: Apprentice | None = None
    calibration: Calibration | None = None
    failure: str | None = None
    committed: int = 0
    plan: Plan | None = None
    epoch: int = 0
    unverified: bool = False
    backlog: Backlog | None = None
    draft: Draft | None = None
    damaged: list[str] = []
    windows: list[WindowPart] = []
    merges: int = 0
    merged: Artifact | None = None
    defaults: int = DEFAULTS
    summarised: Summarised | None = None
    replaced: ReplacedModel | None = None
    erased: Artifact | None = None

    def model_version(self, run: str) -> str:
        """The name of the model that a run makes of this state. Repeated after an administrator, it makes another."""
        return f"{run}-{self.epoch:06d}" if self.epoch else run

    def replacing_model(self, at: int) -> "Checkpoint":
        """This state, from which another one with another model will be made: undo would put this one's back.

        at: when, ms since 1970. Without a model there is nothing to put back.
        """
        if self.model is None:
            return msgspec.structs.replace(self, replaced=None)
        waiting = self.backlog or Backlog(Place(run_name(self.cut + 1)), 0)
        before = ReplacedModel(self.model, waiting, self.counts.learned, at, self.unverified)
        return msgspec.structs.replace(self, replaced=before)


class _Earlier(msgspec.Struct):
    """What earlier versions have not stored, or have stored otherwise."""

    defaults: int = 0
    statistics: EarlierStatistics | None = None


_decoder = msgspec.json.Decoder(Checkpoint, dec_hook=exact_sum.from_json)
_earlier = msgspec.json.Decoder(_Earlier)
_encoder = msgspec.json.Encoder(enc_hook=exact_sum.to_json)
# The last member. Most of a checkpoint is digits: with one of them changed it would still be read, and believed.
_SEAL = b',"sha256":"'


def decode(data: bytes) -> Checkpoint:
    """A stored checkpoint; raises msgspec.DecodeError if it is damaged, LaterVersion."""
    body = data.rpartition(_SEAL)[0] + b"}"
    if data != _sealed(body):
        raise msgspec.DecodeError("it is not what was written")
    unreadable.check("the checkpoint", body, LATEST)
    made, earlier = _decoder.decode(body), _earlier.decode(body)
    statistics = made.statistics if earlier.statistics is None else earlier.statistics.now()
    return msgspec.structs.replace(made, defaults=earlier.defaults, statistics=statistics)


def encode(checkpoint: Checkpoint) -> bytes:
    """JSON whose last member, `sha256`, is the digest of the object without it."""
    if checkpoint.v <= LATEST:
        checkpoint = msgspec.structs.replace(checkpoint, v=_version(checkpoint))
    return _sealed(_encoder.encode(checkpoint))


def _version(checkpoint: Checkpoint) -> int:
    """The first version that knows all that is in it."""
    if checkpoint.erased is not None:
        return LATEST
    if checkpoint.summarised is not None or checkpoint.statistics != Statistics():
        return WITH_SUMMARIES
    if any(one is not None and one.past is not None for one in (checkpoint.model, checkpoint.draft)):
        return WITH_EXPERIENCE
    if checkpoint.windows or checkpoint.merges:
        return WITH_PARTS
    return VERSION if checkpoint.backlog is None and checkpoint.draft is None else WITH_BACKLOG


def _sealed(body: bytes) -> bytes:
    return body[:-1] + _SEAL + hashlib.sha256(body).hexdigest().encode() + b'"}'


def name(home: Home) -> str:
    """The blob whose conditional replacement commits."""
    return blob_name(home, FILE)


def copies(home: Home) -> str:
    """The prefix of the copies from which a lost or damaged checkpoint is restored."""
    return blob_name(home, "checkpoints", "")
