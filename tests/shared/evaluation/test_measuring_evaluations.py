"""Evaluations of v1.x with an optimisation, which also tell what features are worth."""

from collections.abc import AsyncIterator

import pytest
from harness.jobs import imported, race_few, work
from harness.logs import START, encoded, log
from harness.trained import Deployment

from shared.evaluation import answers_2022, answers_v1, asking
from shared.evaluation.job import Asked
from shared.loops.config import LoopConfig
from shared.loops.summary import DAY_MS
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.settings import load


@pytest.fixture
async def loop(environment: dict[str, str]) -> AsyncIterator[Serving]:
    service = Service(load(environment))
    await Deployment(service).make("default", config=LoopConfig())
    yield service.loop()
    await service.close()


async def test_features_are_told_beside_policies_and_are_none_of_them(
    loop: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    race_few(monkeypatch)
    await imported(loop, encoded(log(1_500)))
    asked = Asked("evaluations", "one", "one", START, START + DAY_MS, optimizes=True, measures=True)
    await asking.ask(loop, asked)
    job = await work(loop, "one")
    assert job.state == "completed", job.reason
    outcome = (await asking.get(loop, "evaluations", "one"))[1]
    told = answers_v1.answer(job, outcome, preview=True)
    scores = [float(score) for _, _, score in told.feature_importance]
    assert scores == sorted(scores, reverse=True)
    assert (scores[0], {feature for _, feature, _ in told.feature_importance} >= {"hour", "kind"}) == (1.0, True)
    names = {one.name for one in told.policy_results}
    assert names >= {"Online", "Baseline1", "BaselineRand"}
    assert not [name for name in names if name[0].isdigit() or name == "all features"]
    assert outcome is not None
    assert outcome.result is not None
    assert {one.name for one in outcome.result.policies} - names == {"Best single action"}
    assert "featureImportance" not in str(answers_2022.details(job))
    alone = Asked("evaluations", "two", "two", START, START + DAY_MS, measures=False)
    await asking.ask(loop, alone)
    await work(loop, "two")
    assert answers_v1.answer(*(await asking.get(loop, "evaluations", "two")), preview=True).feature_importance == []
