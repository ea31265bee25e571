"""No model that knows what was erased comes back unnoticed."""

from typing import Any

import pytest
from harness.trained import Deployment, trainer

from shared.admin import models, undo
from shared.errors import ApiError
from shared.loops import erasures
from shared.loops.config import new_loop
from shared.loops.erasures import Erasure
from shared.serving.service import Service
from shared.training.erasure import KEPT_OF_ANOTHER, ErasureWork
from shared.training.trainee import Trainee

WANTED = [erasures.Wanted(event_id="secret")]
NAME = erasures.digest("request")


@pytest.fixture
async def deployed(parts: Service) -> Deployment:
    """A loop whose model has learned what is to be erased."""
    made = Deployment(parts)
    await made.make("default")
    async with trainer(parts) as one:
        await made.rank("secret", *(f"event-{number}" for number in range(4)), deferred=False)
        await made.reward("secret")
        await one.tick()
    assert (await made.checkpoint()).model is not None
    return made


async def ask(deployed: Deployment) -> ErasureWork:
    asked = Erasure("request", WANTED, "", erasures.selected(WANTED))
    await erasures.create(deployed.storage, deployed.home("default"), asked)
    await erasures.mark(deployed.storage, deployed.home("default"), NAME)
    initial = new_loop(deployed.parts.settings)
    trainee = Trainee("default", deployed.created("default"), initial)
    return ErasureWork(deployed.parts.settings, deployed.storage, trainee, initial, NAME)


async def ended(deployed: Deployment, work: ErasureWork) -> Erasure:
    while await work.step():
        async with trainer(deployed.parts) as one:
            await one.tick()
    found = await erasures.read(deployed.storage, deployed.home("default"), NAME)
    assert found is not None
    return found.erasure


async def refusal(parts: Service) -> str:
    with pytest.raises(ApiError) as refused:
        await undo.undo(parts.loop())
    return refused.value.code


async def test_undo_waits_for_an_erasure_and_then_finds_no_model(deployed: Deployment, parts: Service) -> None:
    await models.delete(parts.loop())
    work = await ask(deployed)
    before = await deployed.checkpoint()
    assert before.replaced is not None
    assert await refusal(parts) == "ErasureInProgress"
    assert await deployed.checkpoint() == before
    done = await ended(deployed, work)
    assert (done.state, KEPT_OF_ANOTHER in done.left) == ("done", False)
    assert await refusal(parts) == "NothingToUndo"
    assert not [name for name in await deployed.blobs("default") if "/models/" in name]


async def test_an_undo_that_was_under_way_is_told(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model that it brings back has learned what goes, and whether the log still has the rest is not known."""
    known = await deployed.checkpoint()
    await models.delete(parts.loop())
    async with trainer(parts) as one:
        await deployed.rank(*(f"later-{number}" for number in range(3)), deferred=False)
        await one.tick()
    work, drop = await ask(deployed), ErasureWork._drop_from_now_on

    async def beside(self: ErasureWork, *given: Any) -> None:
        with monkeypatch.context() as late:
            late.setattr(erasures, "is_any_open", lambda *_: _no())
            await undo.undo(parts.loop())
        await drop(self, *given)

    monkeypatch.setattr(ErasureWork, "_drop_from_now_on", beside)
    done = await ended(deployed, work)
    after = await deployed.checkpoint()
    assert after.model is not None
    assert known.model is not None
    assert after.model.version == known.model.version
    assert (done.state, KEPT_OF_ANOTHER in done.left) == ("done", True)


async def _no() -> bool:
    return False
