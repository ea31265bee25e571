"""One loop as a trainer knows it from tick to tick."""

import asyncio
import contextlib
import logging
import time

import msgspec

from shared import telemetry
from shared.joined_log.join import Joiner
from shared.loops import checkpoint, commits, erased_keys, stored
from shared.loops.blob_names import home_of
from shared.loops.checkpoint import Checkpoint
from shared.loops.commits import Stored
from shared.loops.config import DEFAULT_LOOP, LoopConfig, Policy
from shared.loops.registry import Registry
from shared.storage import Conflict, Storage
from shared.training import course, planning
from shared.training.kept_files import KeptFiles
from shared.training.log_merging import Merge
from shared.vw import policy

_log = logging.getLogger(__name__)


class Trainee:
    """A loop in training.

    created: when the loop was made (ISO 8601), empty for the loop default.
    config: its configuration, as it was last read.
    checkpoint: its state; ahead of the stored one after passes that found nothing to store.
    etag: of the stored checkpoint, None if there is none.
    written: the sum of the stored checkpoint's positions in the interactions hub.
    kept: files of its last runs, and of other loops.
    joiner: the open observations at `checkpoint`, None if they have to be read again.
    ran: when a run was last looked for (s since 1970), 0 if not since the start or a failure.
    looked: when the configuration was last read (s since 1970), 0 if never.
    behind: since when (s since 1970) interactions wait that should be closed, as far as is known; None if none do.
    untidy: states that were current lately, if a run has committed since its storage was tidied.
    unmerged: how many runs have been committed since its indexes were merged.
    tidying: held by who tidies its storage. erased: when events were erased (ms), by key.
    merge: of its log, which its next commit is to name.
    """

    def __init__(self, loop: str, created: str, initial: LoopConfig, kept: KeptFiles | None = None) -> None:
        self.loop, self.created, self.home = loop, created, home_of(loop, created)
        self.kept = kept or KeptFiles()
        self.config = self._initial = initial
        self.forget()
        self.looked, self._is_configured = 0.0, True
        self.behind: float | None = None
        self.is_busy = False
        self.tidying = asyncio.Lock()
        self.untidy: tuple[Checkpoint, ...] = ()
        self.unmerged = 0
        self.merge: Merge | None = None

    @property
    def is_idle(self) -> bool:
        """True if nothing else works on it or tidies its storage."""
        return not self.is_busy and not self.tidying.locked()

    def fall_behind(self) -> None:
        """Something went wrong: from now on there may be something that should have been closed."""
        self.behind = self.behind or time.time()

    def forget(self) -> None:
        """After a failure: the next tick begins with what is stored."""
        self.keep(Stored(Checkpoint(), None))
        self.joiner: Joiner | None = None
        self.ran = 0.0
        self.erased: dict[int, int] = {}

    def keep(self, committed: Stored) -> None:
        """Takes a checkpoint as it is stored."""
        self.checkpoint, self.etag = committed
        self.written = sum(committed.checkpoint.interactions)

    def is_due(self, now: float) -> bool:
        """True if a run should be looked for, as far as this process knows (s since 1970)."""
        return self.has_to_catch_up or planning.is_due(self.ran, self.config.export, now)

    @property
    def wanted(self) -> bool:
        """True if there is something to learn whether or not anything happens: a backlog, or the log anew."""
        return self.has_to_catch_up or course.must_relearn(self.checkpoint, self.config)

    @property
    def has_to_catch_up(self) -> bool:
        """True if earlier runs have left something to learn."""
        return course.has_to_catch_up(self.checkpoint, self.config)

    async def look(self, storage: Storage, registry: Registry, now: float) -> bool:
        """Reads the configuration and, when a run may be due, the checkpoint; True if one is."""
        found = await stored.read_config(storage, self.home)
        self.config, self._is_configured = found.value or self._initial, found.etag is not None
        self.looked = time.time()
        if not self.is_due(now):
            return False
        await self._load(storage, registry)
        await self._keep_policy(storage)
        known = self.ran > 0 or self.checkpoint.plan is not None
        self.ran = self.ran or self.checkpoint.committed / 1000
        if not known and not self.is_due(now):
            return False
        self.ran = now
        return True

    async def configured(self, storage: Storage) -> LoopConfig:
        """The configuration as it is stored now."""
        return (await stored.read_config(storage, self.home)).value or self._initial

    async def _keep_policy(self, storage: Storage) -> None:
        """A loop that an earlier version has begun, and nobody has configured, keeps its default policy."""
        if self._is_configured or self.etag is None or self.checkpoint.defaults >= checkpoint.DEFAULTS:
            return
        if self._initial.policy.arguments != policy.DEFAULT_ARGUMENTS:
            return
        kept = msgspec.structs.replace(self._initial, policy=Policy("default", policy.EARLIER_ARGUMENTS))
        with contextlib.suppress(Conflict):  # somebody has just configured it
            await storage.replace(stored.config_name(self.home), kept.encoded(), None)
            told = "It keeps the default policy of earlier versions, which is in its config.json now."
            telemetry.notice(_log, told, self.loop)
        self.config = (await stored.read_config(storage, self.home)).value or self.config

    async def _load(self, storage: Storage, registry: Registry) -> None:
        blob = await storage.read(checkpoint.name(self.home), self.etag)
        if blob is not None and blob.etag == self.etag:
            return
        if blob is None and self.loop not in {DEFAULT_LOOP, *await registry.refresh()}:
            raise Conflict(f"loop {self.loop} is being deleted")  # its copies would bring it back
        loaded = await commits.load(storage, self.home)
        if loaded.etag != self.etag:
            if loaded.checkpoint.erased != self.checkpoint.erased:
                self.erased = await erased_keys.load(storage, loaded.checkpoint.erased)
            self.keep(loaded)
            self.joiner = None
