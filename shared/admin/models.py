"""The model of a loop, as its administrators see it: its age, its export, its end."""

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, NotRequired, TypedDict

import msgspec

from shared.admin import signing, signing_key, trials
from shared.errors import ApiError
from shared.loops import artifacts, commits
from shared.loops.checkpoint import Checkpoint
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.storage import Conflict, StorageUnavailable
from shared.vw import trial

# What the service answered for a model that was never trained.
NEVER = "0001-01-01T00:00:00+00:00"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ModelProperties(TypedDict):
    """The contract's ModelProperties; `verified` is there, and false, if nobody vouches for an imported model."""

    creationTime: str
    lastModifiedTime: str
    verified: NotRequired[bool]


class Export(NamedTuple):
    """A model as it is exported."""

    data: bytes
    modified: datetime


async def properties(loop: Serving) -> ModelProperties:
    """When the loop's first and current model were made."""
    state = await loop.read_checkpoint()
    if state.model is None:
        return {"creationTime": NEVER, "lastModifiedTime": NEVER}
    created = state.model.created
    found: ModelProperties = {"creationTime": state.first_model or created, "lastModifiedTime": created}
    return found | {"verified": False} if state.unverified else found


async def export(service: Service, loop: Serving, *, signed: bool) -> Export:
    """The loop's model, or an untrained one of its policy; raises ApiError.

    It is the trainer's state, not the smaller copy that serves: imported elsewhere, it goes on learning.
    """
    state = await loop.read_checkpoint()
    with tempfile.TemporaryDirectory(prefix="open-personalizer-") as folder:
        file = await _fetch(loop, state, Path(folder))
        data = await asyncio.to_thread(file.read_bytes)
    modified = datetime.fromisoformat(state.model.created) if state.model else EPOCH
    if not signed:
        return Export(data, modified)
    key = await signing_key.load(service.settings, service.storage)
    return Export(await asyncio.to_thread(signing.pack, data, key), modified)


async def delete(loop: Serving) -> None:
    """Ends the model: until the next training, which starts from nothing, Rank draws uniformly; raises ApiError."""

    def untrained(state: Checkpoint) -> Checkpoint:
        return msgspec.structs.replace(
            state,
            model=None,
            first_model=None,
            failure=None,
            apprentice=None,
            epoch=state.epoch + 1,
            draft=None,
            unverified=False,
        )

    try:
        await commits.amend(loop.storage, loop.home, untrained)
    except (StorageUnavailable, Conflict, ValueError):
        raise ApiError("ModelResetFailed", retry_after=1) from None
    await loop.refresh()


async def _fetch(loop: Serving, state: Checkpoint, folder: Path) -> Path:
    try:
        if state.model is not None:
            return await artifacts.fetch(loop.storage, state.model.trainer, folder / "model.vw")
        config = await loop.read_config()
        async with trials.turn(loop.loop):
            await trial.run(folder, config.arguments)
    except (artifacts.DamagedArtifact, trial.Refusal) as error:
        raise ApiError("OperationNotAllowed", f"There is no model to export: {error}.", retry_after=60) from None
    return folder / "model.vw"
