"""An erasure that is broken off, and whose loop is trained before it goes on, leaves a model that knows none of it."""

import gzip

import msgspec
import pytest
from harness.mortal import Mortal
from harness.stored import replayed, told, unweighted
from harness.trained import AT_ONCE, Deployment, trainer

from shared.loops import commits, erasures, stored
from shared.loops.config import Policy, new_loop
from shared.loops.erasures import Erasure
from shared.serving.service import Service
from shared.storage import Storage, StorageUnavailable
from shared.training.erasure import KEPT_OF_ANOTHER, ErasureWork
from shared.training.trainee import Trainee
from shared.vw.policy import parse

WANTED = [erasures.Wanted(event_id=f"secret-{run}") for run in range(2)]
NAME = erasures.digest("request")


@pytest.fixture
async def deployed(parts: Service) -> Deployment:
    """A loop whose model has learned what is to be erased."""
    made = Deployment(parts)
    await made.make("default")
    async with trainer(parts) as one:
        for run in range(2):
            ids = [f"secret-{run}", *(f"event-{run}-{number}" for number in range(4))]
            for event_id in ids:
                await made.reward(event_id)
            await made.rank(*ids, deferred=False)
            await one.tick()
    asked = Erasure("request", WANTED, "", erasures.selected(WANTED))
    await erasures.create(made.storage, made.home("default"), asked)
    return made


def work(deployed: Deployment, storage: Storage) -> ErasureWork:
    initial = new_loop(deployed.parts.settings)
    return ErasureWork(deployed.parts.settings, storage, Trainee("default", "", initial), initial, NAME)


async def broken_off(deployed: Deployment, writes: int) -> bool:
    """Works it until so many writes are done; False if that is all of it."""
    mortal = Mortal(deployed.parts.settings)
    mortal.left = writes
    try:
        await work(deployed, mortal).step()
    except StorageUnavailable:
        return True
    finally:
        await mortal.close()
    return False


async def ended(deployed: Deployment, parts: Service) -> Erasure:
    async with trainer(parts) as one:
        for _ in range(20):
            await one.tick()
            await one._erasing.done()
            found = await erasures.read(deployed.storage, deployed.home("default"), NAME)
            assert found is not None
            if not found.erasure.is_open:
                return found.erasure
    raise AssertionError("it does not end")


def unpacked(data: bytes) -> bytes:
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


async def knows_its_log_alone(deployed: Deployment) -> bool:
    logs = await deployed.blobs("default", "logs/")
    lines = b"".join(gzip.decompress(data) for name, data in logs.items() if name.endswith(".dsjson.gz"))
    model = (await deployed.checkpoint()).model
    assert model is not None
    state = await deployed.storage.read(model.trainer.name)
    assert state is not None
    lines = unweighted(lines) if parse(model.arguments).unweighted else lines
    return replayed(lines, state.data, told(msgspec.to_builtins(model)))


@pytest.mark.parametrize("is_changed", [False, True])
@pytest.mark.parametrize("writes", [2, 5, 13])
async def test_what_was_learned_in_between_is_learned_anew(
    deployed: Deployment, parts: Service, writes: int, is_changed: bool
) -> None:
    """By a run, or from the log with another policy."""
    assert await broken_off(deployed, writes)
    if is_changed:
        config = msgspec.structs.replace(
            AT_ONCE, policy=Policy("other", "--cb_explore_adf --epsilon 0.2 --power_t 0.5")
        )
        await deployed.storage.put(stored.config_name(deployed.home("default")), config.encoded())
    async with trainer(parts) as one:
        await one._meet()
        async with one._trainees["default"].tidying:  # so that the erasure waits
            await deployed.reward("between")
            await deployed.reward("event-0-0")
            await deployed.reward("secret-0")
            await deployed.rank("between", deferred=False)
            await one.tick()
    done = await ended(deployed, parts)
    assert (done.state, done.relearns, KEPT_OF_ANOTHER in done.left) == ("done", True, False)
    joined = await deployed.joined()
    assert sorted(joined) == ["between", *(f"event-{run}-{number}" for run in range(2) for number in range(4))]
    assert await knows_its_log_alone(deployed)
    assert [name for name, data in (await deployed.blobs("default")).items() if b"secret-" in unpacked(data)] == []


async def test_a_model_that_was_imported_in_between_is_kept_and_told_so(deployed: Deployment, parts: Service) -> None:
    assert await broken_off(deployed, 2)
    known = await commits.load(deployed.storage, deployed.home("default"))
    assert known.checkpoint.model is not None
    version = f"{known.checkpoint.model.version}-000001-imported"
    imported = msgspec.structs.replace(known.checkpoint.model, version=version, rewards=None, learned=None)
    changed = msgspec.structs.replace(known.checkpoint, model=imported, epoch=1)
    await commits.save(deployed.storage, deployed.home("default"), known, changed)
    done = await ended(deployed, parts)
    assert (done.state, done.relearns, KEPT_OF_ANOTHER in done.left) == ("done", False, True)
