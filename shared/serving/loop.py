"""What Rank needs of a loop, in memory: its configuration and its current model, refreshed behind the requests."""

import asyncio
import logging
import time
from pathlib import Path

from shared import scratch, telemetry
from shared.errors import ApiError
from shared.loops import artifacts, checkpoint, stored
from shared.loops.blob_names import Home
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.loops.model_records import ModelRecord
from shared.loops.stored import Damaged
from shared.serving.quota import Quota
from shared.storage import Storage
from shared.vw import policy, sampling
from shared.vw.exploration import Exploration
from shared.vw.known_actions import KnownActions
from shared.vw.model import Model

FIRST_LOAD_SECONDS, CURRENT_SECONDS, RETRY_SECONDS = 5.0, 2.0, 1.0
SHORTEST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.25, 30.0

_log = logging.getLogger(__name__)


class Serving:
    """One loop as Rank sees it. `config` and `model` are plain attributes: reading them waits for nothing."""

    def __init__(self, loop: str, home: Home, storage: Storage, initial: LoopConfig) -> None:
        self.loop, self.home, self.hash = loop, home, sampling.uniform_hash(loop)
        self.initial = self.config = initial
        self.multi_slot = initial.policy.parsed.is_multi_slot
        self.model: Model | None = None
        self.record: ModelRecord | None = None
        self.failure: str | None = None
        self.storage = storage
        self.quota: Quota | None = None
        self._config_etag: str | None = None
        self._checkpoint_etag: str | None = None
        self.asked = time.monotonic()  # when somebody needed it last
        self._checked = float("-inf")  # a machine that has just started counts its seconds from 0
        self._known = False
        self._stale = False  # the model has to be loaded again, with another exploration
        self._loaded = asyncio.Event()
        self._refreshing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Starts a refresh when one is due; waits only in a new process, and then not for long."""
        self.asked = now = time.monotonic()
        if now - self._checked >= self._poll_seconds and (self._task is None or self._task.done()):
            self._checked = now
            self._task = asyncio.create_task(self.refresh())
        if not self._loaded.is_set():
            if self._task is not None:  # else somebody has just refreshed it
                await asyncio.wait([self._task], timeout=FIRST_LOAD_SECONDS)
            self._loaded.set()

    @property
    def loaded(self) -> bool:
        """True once `ready` no longer waits."""
        return self._loaded.is_set()

    async def current(self) -> None:
        """`ready`, after a refresh that is under way, unless it takes long."""
        await self.ready()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=CURRENT_SECONDS)

    async def require(self, *, multi_slot: bool) -> None:
        """Raises InvalidMultiSlotApiAccess if the loop's policy, as it is stored now, is of the other kind.

        While nothing is known of the stored one, either kind is served: a reward that is refused is lost.
        """
        if self.multi_slot != multi_slot:
            await self.refresh()
        if self._known and self.multi_slot != multi_slot:
            one, other = ("multi-slot", "single-slot") if self.multi_slot else ("single-slot", "multi-slot")
            raise ApiError(
                "InvalidMultiSlotApiAccess",
                f"This loop's learning policy is {one}: call {one} operations, or put a {other} policy first.",
            )

    async def read_config(self) -> LoopConfig:
        """The configuration as it is stored now, the initial one if nobody has configured the loop; raises ApiError."""
        try:
            return (await stored.read_config(self.storage, self.home)).value or self.initial
        except Damaged:
            damage = "The stored configuration is damaged; put the service configuration again."
            raise ApiError("OperationNotAllowed", damage) from None

    async def read_checkpoint(self) -> Checkpoint:
        """What the trainer has reached; raises ApiError."""
        try:
            return (await stored.read_checkpoint(self.storage, self.home)).value or Checkpoint()
        except Damaged:
            damage = "The checkpoint is being restored; try again."
            raise ApiError("OperationNotAllowed", damage, retry_after=1) from None

    def rest(self) -> None:
        """Lets go of the model until somebody needs it again, who waits as in a new process."""
        if self.model is None or (self._task is not None and not self._task.done()):
            return
        self.close()
        self.record, self._checkpoint_etag, self._checked = None, None, float("-inf")
        self._loaded.clear()

    def close(self) -> None:
        """Lets go of the model."""
        model, self.model = self.model, None
        if model is not None:
            model.close()

    @property
    def _poll_seconds(self) -> float:
        if self.failure is not None:
            return RETRY_SECONDS
        return min(max(self.config.export / 4, SHORTEST_POLL_SECONDS), LONGEST_POLL_SECONDS)

    async def refresh(self) -> None:
        """Reads configuration and model if they changed. Whatever goes wrong, the last good ones stay in service."""
        async with self._refreshing:  # one that began before a change would else put back what it read
            try:
                await self._refresh_config()
                await self._refresh_model()
                self.failure = None
            except Exception as error:
                if self.failure is None:
                    telemetry.notice(_log, f"It keeps what it has: {error}", self.loop)
                self.failure = f"{type(error).__name__}: {error}"
        self._checked = time.monotonic()
        self._loaded.set()

    async def _refresh_config(self) -> None:
        found = await stored.read_config(self.storage, self.home, self._config_etag)
        if found.value is None:
            self._known = True
            return
        before, self.config, self._config_etag = self.config, found.value, found.etag
        self.multi_slot, self._known = self.config.policy.parsed.is_multi_slot, True
        if self.config.exploration != before.exploration:
            self._checkpoint_etag, self._stale = None, True
        if self.model is not None and self.model.multi_slot != self.multi_slot:
            self.close()
            self._checkpoint_etag, self.record = None, None

    async def _refresh_model(self) -> None:
        found = await stored.read_checkpoint(self.storage, self.home, self._checkpoint_etag)
        if found.etag is None and self.model is not None:
            raise artifacts.DamagedArtifact(f"{checkpoint.name(self.home)} is missing in storage")
        if found.value is None:
            return
        record = found.value.model
        if record is not None and (self._stale or self.record is None or record.version != self.record.version):
            model = await self._load(record)
            previous, self.record, self._stale = self.model, record, False
            self.model = model if model.multi_slot == self.multi_slot else None
            if self.model is not model:  # it was made before the policy was changed to the other kind
                model.close()
            if previous is not None:
                previous.close()
        elif record is None:
            self.record = None
            self.close()
        self._checkpoint_etag = found.etag

    async def _load(self, record: ModelRecord) -> Model:
        with scratch.folder() as folder:
            file = await artifacts.fetch(self.storage, record.predict, Path(folder, "predict.vw"))
            options = policy.parse(record.arguments).exploration_options(self.config.exploration)
            return Model(record.version, file, options, await self._exploration(record, Path(folder)))

    async def _exploration(self, record: ModelRecord, folder: Path) -> Exploration | None:
        """How a model is served that explores first. Without the list of its actions, all of them are known."""
        past = record.past
        if past is None or not policy.parse(record.arguments).explores_first:
            return None
        if past.actions is None:
            return Exploration(past.experience.schedule.sharpness, KnownActions())
        try:
            file = await artifacts.fetch(self.storage, past.actions, folder / "actions")
            actions = await asyncio.to_thread(KnownActions.read, file)
        except artifacts.DamagedArtifact as damage:
            telemetry.notice(_log, f"No action is new: {damage}", self.loop)
            actions = None
        return Exploration(past.experience.schedule.sharpness, actions)
