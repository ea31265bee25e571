"""The model of a loop, as its administrators see it: its age, its export, its end."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, NotRequired, TypedDict, TypeVar

import msgspec

from shared import scratch
from shared.admin import signing, signing_key, trials
from shared.errors import ApiError
from shared.loops import artifacts, chronicle, commits
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import Home
from shared.loops.checkpoint import Checkpoint
from shared.loops.chronicle import Entry
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.storage import Conflict, StorageUnavailable
from shared.vw import policy, trial

# What the service answered for a model that was never trained.
NEVER = "0001-01-01T00:00:00+00:00"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What a process remembers of models that administrators poll, and bytes of one at most.
MOST_KEPT, LARGEST_KEPT = 16, 1 << 20

K = TypeVar("K")
V = TypeVar("V")
_untrained_models: dict[str, bytes] = {}  # by the policy's arguments
_signed_sizes: dict[tuple[Home, str], int] = {}  # by loop and version


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


class Head(NamedTuple):
    """What is told of a model that is not sent. size: in bytes."""

    size: int
    modified: datetime


async def head(service: Service, loop: Serving, *, signed: bool) -> Head:
    """Size and age of what `export` gives. It is not fetched for that, unless it is to be signed for the first time."""
    state = await loop.read_checkpoint()
    if state.model is None:
        model = await export(service, loop, signed=signed)
        return Head(len(model.data), model.modified)
    modified, of_signed = datetime.fromisoformat(state.model.created), (loop.home, state.model.version)
    size = _signed_sizes.get(of_signed) if signed else await loop.storage.size(state.model.trainer.name)
    if size is None:
        size = len((await export(service, loop, signed=signed)).data)
    if signed:
        _remember(_signed_sizes, of_signed, size)
    return Head(size, modified)


async def export(service: Service, loop: Serving, *, signed: bool) -> Export:
    """The loop's model, or an untrained one of its policy; raises ApiError.

    It is the trainer's state, not the smaller copy that serves: imported elsewhere, it goes on learning.
    """
    state = await loop.read_checkpoint()
    data = await (_untrained(loop) if state.model is None else _trained(loop, state.model.trainer))
    modified = datetime.fromisoformat(state.model.created) if state.model else EPOCH
    if not signed:
        return Export(data, modified)
    key = await signing_key.load(service.settings, service.storage)
    return Export(await asyncio.to_thread(signing.pack, data, key), modified)


async def delete(loop: Serving) -> None:
    """Ends the model: until the next training, which starts from nothing, Rank draws uniformly; raises ApiError."""

    def untrained(state: Checkpoint) -> Checkpoint:
        if state.model is not None:
            state = state.replacing_model(round(time.time() * 1000))
        return msgspec.structs.replace(
            state,
            model=None,
            first_model=None,
            failure=None,
            apprentice=None,
            calibration=None,
            epoch=state.epoch + 1,
            draft=None,
            unverified=False,
        )

    try:
        await commits.amend(loop.storage, loop.home, untrained)
    except (StorageUnavailable, Conflict, ValueError):
        raise ApiError("ModelResetFailed", retry_after=1) from None
    await chronicle.note(loop.storage, loop.home, Entry(round(time.time() * 1000), "model-cleared"))
    await loop.refresh()


async def _trained(loop: Serving, trainer: Artifact) -> bytes:
    with scratch.folder() as folder:
        try:
            file = await artifacts.fetch(loop.storage, trainer, Path(folder, "model.vw"))
        except artifacts.DamagedArtifact as error:
            raise _missing(error) from None
        return await asyncio.to_thread(file.read_bytes)


async def _untrained(loop: Serving) -> bytes:
    """The model that VW makes of the loop's policy before any event. It is made once, however often it is asked for."""
    arguments = (await loop.read_config()).arguments
    known = _untrained_models.get(arguments)
    if known is not None:
        return known
    with scratch.folder() as folder:
        try:
            async with trials.turn(loop.loop):
                await trial.run(Path(folder), policy.parse(arguments).for_vw(trial.SCHEMA.arguments))
        except trial.Refusal as error:
            raise _missing(error) from None
        data = await asyncio.to_thread(Path(folder, "model.vw").read_bytes)
    if len(data) <= LARGEST_KEPT:
        _remember(_untrained_models, arguments, data)
    return data


def _missing(error: Exception) -> ApiError:
    return ApiError("OperationNotAllowed", f"There is no model to export: {error}.", retry_after=60)


def _remember(known: dict[K, V], key: K, value: V) -> None:
    """The last MOST_KEPT."""
    known.pop(key, None)
    known[key] = value
    if len(known) > MOST_KEPT:
        del known[next(iter(known))]
