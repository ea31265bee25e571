"""The checkpoint: the one blob whose conditional replacement commits a training run.

A run is planned, before it stores anything, by writing `plan` into the checkpoint: its instant, how far each partition
is read and the configuration in effect. Whoever executes the plan, and however often, does the same work under the same
names; so a killed run leaves nothing behind that the next one does not overwrite with itself.
"""

import hashlib

import msgspec

from shared.loops import exact_sum, unreadable
from shared.loops.apprentice import Apprentice
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import Home, blob_name, run_name
from shared.loops.calibration import Calibration
from shared.loops.config import LoopConfig
from shared.loops.counts import Counts
from shared.loops.model_records import Backlog, Draft, ModelRecord, Place, ReplacedModel
from shared.loops.reward_sums import EarlierStatistics, Statistics

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


class Checkpoint(msgspec.Struct, frozen=True):
    """The state of a loop's training. Positions are sequence numbers by partition, the last one done, -1 for none.

    interactions: closed up to here. observations: settled up to here. observed: read by earlier runs up to here;
    those between `observations` and `observed` may belong to interactions that are still open. windows: what the
    join remembers, the oldest part first; `seen` is all of it as versions before 3 have stored it. apprentice: None
    until a decision of that mode is joined. calibration: None until a model has judged events. epoch: how often an
    administrator replaced or deleted the model, or an erasure had it learned anew; erasures: how often the latter;
    unverified: nobody vouches for what it came from. backlog: what the
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
    erasures: int = 0

    @property
    def taken_over(self) -> int:
        """How often an administrator replaced or deleted the model."""
        return self.epoch - self.erasures

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
