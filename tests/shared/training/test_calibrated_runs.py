"""What a model expects of the events of the next run is kept with the checkpoint, beside the rewards that came."""

import msgspec
import pytest
from harness.trained import AT_ONCE, Deployment, trainer

from shared.loops.config import Policy
from shared.serving.service import Service
from shared.vw import calibrating

SEVERAL = Policy("bag", "--cb_explore_adf --bag 3 --cb_type mtr")


@pytest.fixture
def deployed(parts: Service) -> Deployment:
    return Deployment(parts)


async def live(deployed: Deployment, parts: Service, runs: int) -> None:
    """Runs of 30 decisions, 20 of them rewarded with 1."""
    async with trainer(parts) as one:
        for run in range(runs):
            names = [f"e{run}-{number}" for number in range(30)]
            for name in names[:20]:
                await deployed.reward(name)
            await deployed.rank(*names, deferred=False)
            await one.tick()


async def test_each_run_is_judged_by_the_model_before_it(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrating, "LEAST_LEARNED", 0)
    await deployed.make("default")
    await live(deployed, parts, 4)
    found = (await deployed.checkpoint()).calibration
    assert found is not None
    sums = found.within(0, 1 << 60)
    assert (sums.n, sums.reward) == (3 * 30, 3 * 20.0)
    assert 0 < sums.predicted < sums.reward, "a new model expects nothing, and comes to it"
    assert sums.off == pytest.approx(sums.predicted - sums.reward)


async def test_a_model_of_few_events_judges_nothing(deployed: Deployment, parts: Service) -> None:
    await deployed.make("default")
    await live(deployed, parts, 2)
    state = await deployed.checkpoint()
    assert state.model is not None
    assert state.calibration is None


async def test_several_models_in_one_judge_nothing(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrating, "LEAST_LEARNED", 0)
    await deployed.make("default", config=msgspec.structs.replace(AT_ONCE, policy=SEVERAL))
    await live(deployed, parts, 2)
    state = await deployed.checkpoint()
    assert state.model is not None
    assert state.calibration is None
