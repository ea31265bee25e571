"""Putting a model that was exported, here or by Azure Personalizer, in the place of a loop's own.

The options in the model's file decide: where the loop's policy says something else, the policy becomes the model's,
or the trainer would learn the log again with the policy instead. explorationPercentage stays as it is configured.

Order of the writes: the model's files under new names, then the policy, then the checkpoint. Killed before the last
one, an import has at most changed the policy. The other way round, a run that is planned in between would learn the
log with the old policy, and the model would be lost.
"""

import asyncio
import time
import uuid
from pathlib import Path

import msgspec

from shared import scratch
from shared.admin import configuration, logs, policy_check, trials
from shared.admin.model_trust import Opened, opened
from shared.errors import ApiError
from shared.hubs import events
from shared.loops import artifacts, chronicle, commits
from shared.loops.apprentice import Apprentice
from shared.loops.blob_names import blob_name, run_name
from shared.loops.checkpoint import Checkpoint
from shared.loops.chronicle import Entry
from shared.loops.config import LONGEST_ARGUMENTS, LoopConfig, Policy
from shared.loops.model_records import ModelRecord, Past
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.storage import Conflict, StorageUnavailable
from shared.vw import allowed_options, dsjson, model_header, policy, schema, trial
from shared.vw.experience import Experience
from shared.vw.learning import VALIDATED_EVENTS
from shared.vw.meaning import may_be_of, meaning
from shared.vw.model_header import ModelHeader
from shared.vw.options import CROSSINGS
from shared.vw.schema import Schema

POLICY_NAME = "imported"


async def put(service: Service, loop: Serving, body: bytes) -> None:
    """Imports a signed zip, or a plain model if the deployment allows; raises ApiError, and then changes no model."""
    await replace(loop, await opened(service, body))


async def replace(loop: Serving, model: Opened) -> None:
    """Puts a model in the place of the loop's own, once VW predicts and learns with it; raises ApiError."""
    try:
        header = model_header.read(model.data)
    except ValueError as error:
        raise _unfit(error) from None
    config = await loop.read_config()
    crossed = _schema(header)
    changed = msgspec.structs.replace(config, policy=_policy(config, header, crossed))
    arguments = policy.parse(changed.arguments).for_vw(crossed.arguments if crossed is not None else "")
    try:
        with scratch.folder() as name:
            folder = Path(name)
            file = folder / "imported.vw"
            await asyncio.to_thread(file.write_bytes, model.data)
            async with trials.turn(loop.loop):
                await trial.run(folder, arguments, file, await _sample(loop, arguments))
            await _commit(loop, changed.policy, crossed, file, folder / "predict.vw", unverified=not model.verified)
    except trial.Refusal as refusal:
        raise _unfit(refusal) from None
    except (StorageUnavailable, Conflict, ValueError):
        raise ApiError("ModelPublishFailed", retry_after=1) from None
    await loop.refresh()


def _schema(header: ModelHeader) -> Schema | None:
    """What a model crosses, if it may be one that crosses what its events had."""
    return schema.of(one.value for one in header.options if one.name in CROSSINGS and one.value)


def _policy(config: LoopConfig, header: ModelHeader, crossed: Schema | None) -> Policy:
    """The loop's policy if the model is one of it, else the model's; raises ApiError for another problem type."""
    arguments = policy_check.with_epsilon(header.options, config.exploration)
    multi_slot = policy.parse(arguments).is_multi_slot
    if multi_slot != config.policy.parsed.is_multi_slot:
        kind = "multi-slot" if multi_slot else "single-slot"
        raise _unfit(f"it is a {kind} model, and the loop's policy is not; change the policy first")
    if _may_be_of(header, config.policy, crossed):
        return config.policy
    if len(arguments) > LONGEST_ARGUMENTS:
        raise _unfit(f"its options have more than {LONGEST_ARGUMENTS} characters")
    return Policy(POLICY_NAME, arguments)


def _may_be_of(header: ModelHeader, current: Policy, crossed: Schema | None) -> bool:
    given = current.parsed
    if given.crosses_seen and crossed is None:
        return False
    arguments = given.for_vw(crossed.arguments if crossed is not None else "")
    try:
        return may_be_of(meaning(header.options), meaning(allowed_options.parse(arguments)))
    except ValueError:  # a policy from before there were rules
        return False


async def _sample(loop: Serving, arguments: str) -> bytes:
    """Recent events of the loop that are of the policy's kind; empty if there are none."""
    lines = b"".join(await logs.recent(loop, VALIDATED_EVENTS))
    return dsjson.of_kind(lines, policy.parse(arguments).is_multi_slot)


async def _commit(
    loop: Serving, own: Policy, crossed: Schema | None, model: Path, predict: Path, *, unverified: bool
) -> None:
    state = (await commits.load(loop.storage, loop.home)).checkpoint
    # After the last run and before the next one in the order of names, which is that of retention.
    version = f"{run_name(state.cut)}-{state.epoch + 1:06d}-{uuid.uuid4().hex[:8]}"
    names = (blob_name(loop.home, "models", f"{version}{kind}") for kind in (".vw", ".predict.vw"))
    trainer, copy = await asyncio.gather(
        *(artifacts.publish(loop.storage, name, file) for name, file in zip(names, (model, predict), strict=True))
    )
    config = await configuration.change(loop, lambda stored: _with_policy(stored, own))
    past = Past(crossed, Experience()) if crossed is not None and own.parsed.has_experience else None
    record = ModelRecord(version, trainer, copy, events.now(), config.arguments, past=past)
    await commits.amend(loop.storage, loop.home, lambda before: _with(before, record, config, unverified))
    await chronicle.note(loop.storage, loop.home, Entry(round(time.time() * 1000), "model-imported", [own.name]))


def _with(before: Checkpoint, record: ModelRecord, config: LoopConfig, unverified: bool) -> Checkpoint:
    """The state with the model; a run that is planned goes on as planned, from this model and with its policy.

    What an apprentice was measured by was another model: it begins again.
    """
    plan = before.plan
    if plan is not None:
        own = {"policy": config.policy, "exploration": config.exploration}
        plan = msgspec.structs.replace(plan, config=msgspec.structs.replace(plan.config, **own))
    return msgspec.structs.replace(
        before.replacing_model(round(time.time() * 1000)),
        model=record,
        first_model=before.first_model or record.created,
        failure=None,
        apprentice=before.apprentice and Apprentice(),
        calibration=None,
        plan=plan,
        epoch=before.epoch + 1,
        unverified=unverified,
        draft=None,
    )


def _with_policy(config: LoopConfig, own: Policy) -> LoopConfig:
    """The configuration with the policy of a model, whose exploration stays as it is configured."""
    changed = config.with_policy(own)
    return msgspec.structs.replace(changed, exploration=config.exploration)


def _unfit(reason: object) -> ApiError:
    return ApiError("InvalidModelImportFormat", f"Given model file cannot be used: {reason}.")
