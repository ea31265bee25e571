"""Imports on storage: whom they trust, and that a trainer's planned run goes on from the imported model."""

import asyncio
import gzip
import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.admin import logs, model_import, models, signing, signing_key
from shared.admin.model_trust import Opened
from shared.errors import ApiError
from shared.loops import checkpoint, commits
from shared.loops.apprentice import Apprentice, Lesson
from shared.loops.blob_names import Home, blob_name, run_name
from shared.loops.checkpoint import Checkpoint, Plan
from shared.loops.commits import Stored
from shared.loops.config import LoopConfig, new_loop
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.settings import load

EXPORTED = (Path(__file__).parents[2] / "data" / "vw-9.1.0.vw").read_bytes()
CUT = 1_700_000_000_000


@pytest.fixture(scope="module")
def stranger() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@asynccontextmanager
async def loop_of(environment: dict[str, str], **settings: str) -> AsyncIterator[tuple[Service, Serving]]:
    """A loop of no name that anybody knows, in a deployment with these settings."""
    chosen = load(environment | settings)
    service, name = Service(chosen), f"import-{uuid.uuid4().hex[:8]}"
    try:
        yield service, Serving(name, Home(name), service.storage, new_loop(chosen))
        for blob in await service.storage.names(blob_name(name, "")):
            await service.storage.delete(blob)
    finally:
        await service.close()


async def imported(environment: dict[str, str], body: bytes, **settings: str) -> bool:
    """Whether an import is verified; raises ApiError."""
    async with loop_of(environment, **settings) as (service, loop):
        await model_import.put(service, loop, body)
        assert (await models.export(service, loop, signed=False)).data == EXPORTED
        return "verified" not in await models.properties(loop)


def pem(key: rsa.RSAPrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


async def test_a_signer_who_is_listed_is_trusted(environment: dict[str, str], stranger: rsa.RSAPrivateKey) -> None:
    body, certificate = signing.pack(EXPORTED, stranger), signing.certificate(stranger)
    digest = hashlib.sha256(certificate).hexdigest()
    assert await imported(environment, body, TRUSTED_SIGNERS=f"{'0' * 64},{digest}")
    assert not await imported(environment, body)
    with pytest.raises(ApiError, match=digest) as refused:
        await imported(environment, body, TRUSTED_SIGNERS="0" * 64)
    assert refused.value.code == "InvalidModelImportSignature"


async def test_the_deployment_trusts_itself(environment: dict[str, str], stranger: rsa.RSAPrivateKey) -> None:
    async with loop_of(environment) as (service, _):
        made = await signing_key.load(service.settings, service.storage)
    assert await imported(environment, signing.pack(EXPORTED, made), TRUSTED_SIGNERS="0" * 64)
    assert await imported(
        environment, signing.pack(EXPORTED, stranger), SIGNING_KEY=pem(stranger), TRUSTED_SIGNERS="0" * 64
    )


async def test_a_signing_key_that_is_none_is_told(environment: dict[str, str]) -> None:
    async with loop_of(environment, SIGNING_KEY="-----BEGIN PRIVATE KEY-----") as (service, loop):
        with pytest.raises(ApiError, match="SIGNING_KEY"):
            await models.export(service, loop, signed=True)


async def test_two_processes_make_one_signing_key(environment: dict[str, str]) -> None:
    async with loop_of(environment) as (service, _):
        await service.storage.delete(signing_key.BLOB)
        keys = await asyncio.gather(*(signing_key.load(service.settings, service.storage) for _ in range(3)))
    assert len({pem(key) for key in keys}) == 1


async def test_a_plain_model_needs_a_setting(environment: dict[str, str]) -> None:
    assert not await imported(environment, EXPORTED, IMPORT_UNSIGNED_MODELS="true")
    with pytest.raises(ApiError, match="IMPORT_UNSIGNED_MODELS"):
        await imported(environment, EXPORTED)


async def test_a_model_larger_than_allowed_is_refused(environment: dict[str, str], stranger: rsa.RSAPrivateKey) -> None:
    with pytest.raises(ApiError, match="more than 1024 bytes") as refused:
        await imported(environment, signing.pack(EXPORTED, stranger), MAX_MODEL_BYTES="1024")
    assert refused.value.code == "InvalidModelImportFormat"


async def test_a_planned_run_stays_and_goes_on_from_the_imported_model(environment: dict[str, str]) -> None:
    plan = Plan(run_name(CUT + 1), CUT + 1, [1, 2, 3, 4], [5, 6, 7, 8], LoopConfig(exploration=0.1))
    async with loop_of(environment) as (service, loop):
        storage = service.storage
        before = Checkpoint(cut=CUT, interactions=[1] * 4, observations=[2] * 4, plan=plan)
        await commits.save(storage, loop.home, Stored(before, None), before)
        await model_import.replace(loop, Opened(EXPORTED, verified=True))
        after, config = (await commits.load(storage, loop.home)).checkpoint, await loop.read_config()
        assert after.plan is not None
        assert after.plan == msgspec.structs.replace(plan, config=after.plan.config)
        own = {"policy": config.policy, "exploration": config.exploration}
        assert after.plan.config == msgspec.structs.replace(plan.config, **own)
        assert after.model is not None
        # The trainer goes on with a model whose arguments are those of the configuration.
        assert after.model.arguments == config.arguments == after.plan.config.arguments
        assert after.model_version(plan.run) != before.model_version(plan.run)
        unchanged = ("cut", "interactions", "observations", "observed", "seen", "counts", "committed")
        assert [getattr(after, name) for name in unchanged] == [getattr(before, name) for name in unchanged]
        # Lost, it is restored as it is.
        await storage.delete(checkpoint.name(loop.home))
        assert (await commits.load(storage, loop.home)).checkpoint == after


async def test_an_apprentice_begins_again_with_another_model(environment: dict[str, str]) -> None:
    taught = Apprentice().plus([Lesson(True, 1.0)])
    async with loop_of(environment) as (service, loop):
        for known, left in ((taught, Apprentice()), (None, None)):
            before = await commits.load(service.storage, loop.loop)
            await commits.save(
                service.storage, loop.loop, before, msgspec.structs.replace(before.checkpoint, apprentice=known)
            )
            await model_import.replace(loop, Opened(EXPORTED, verified=True))
            assert (await commits.load(service.storage, loop.loop)).checkpoint.apprentice == left


async def test_names_of_models_are_in_the_order_of_their_making(environment: dict[str, str]) -> None:
    async with loop_of(environment) as (service, loop):
        before = Checkpoint(cut=CUT, epoch=8)
        await commits.save(service.storage, loop.home, Stored(before, None), before)
        names = [before.model_version(run_name(CUT))]
        for _ in range(3):
            await model_import.replace(loop, Opened(EXPORTED, verified=True))
            assert loop.record is not None
            names.append(loop.record.version)
        state = (await commits.load(service.storage, loop.home)).checkpoint
        names.append(state.model_version(run_name(CUT + 1)))
    assert names == sorted(set(names))


async def test_imports_and_deletions_at_once_are_all_done(environment: dict[str, str]) -> None:
    async with loop_of(environment) as (service, loop):
        model = Opened(EXPORTED, verified=True)
        work = [model_import.replace(loop, model), model_import.replace(loop, model)]
        await asyncio.gather(*work, models.delete(loop))
        state = (await commits.load(service.storage, loop.home)).checkpoint
        assert state.epoch == 3


async def test_a_process_that_serves_a_deleted_model_drops_it(environment: dict[str, str]) -> None:
    async with loop_of(environment) as (service, loop):
        await model_import.replace(loop, Opened(EXPORTED, verified=True))
        other = Serving(loop.loop, loop.home, service.storage, loop.initial)
        await other.refresh()
        assert other.model is not None
        await models.delete(loop)
        await other.refresh()
        assert (other.model, other.record, other.failure) == (None, None, None)


async def test_a_damaged_log_is_told_and_does_not_keep_a_model_out(environment: dict[str, str]) -> None:
    async with loop_of(environment) as (service, loop):
        await service.storage.put(blob_name(loop.home, "logs", "2026/01/01/00", "x.dsjson.gz"), b"damage")
        assert await logs.properties(loop) == {}
        await model_import.replace(loop, Opened(EXPORTED, verified=True))
        assert loop.model is not None


async def test_a_model_must_give_probabilities_for_what_was_logged(environment: dict[str, str]) -> None:
    """These events have no actions that a model could rank."""
    line = (
        b'{"_label_cost":-1,"_label_probability":1,"_label_Action":1,"_labelIndex":0,"a":[1],"p":[1],"c":{"_multi":[]}}'
    )
    async with loop_of(environment) as (service, loop):
        name = blob_name(loop.home, "logs", "2026/01/01/00", "x.dsjson.gz")
        await service.storage.put(name, gzip.compress(line + b"\n"))
        with pytest.raises(ApiError, match="cannot be used") as refused:
            await model_import.replace(loop, Opened(EXPORTED, verified=True))
        assert refused.value.code == "InvalidModelImportFormat"
        assert await service.storage.names(blob_name(loop.home, "")) == [name]
