"""Explanations: their shares add up to VW's own score, under the names that the caller knows."""

import json
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

import pylibvw
import pytest
import vowpalwabbit
from harness.learning import PLAIN, decide, rewarded, train, trained
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shared.rank import explanation, ranking
from shared.rank.explanation import TOLD
from shared.rank.ranking import Decision
from shared.rank.wire import ActionExplanation
from shared.vw import policy
from shared.vw.model import Model

SINGLE_SLOT = [policy.EARLIER_ARGUMENTS, policy.HISTORIC_ARGUMENTS]

PREFIX = "--cb_explore_adf --cb_type mtr "
POLICIES = [
    *SINGLE_SLOT,
    PREFIX + "--epsilon 0.1 -q Fj --cubic :::",
    PREFIX + "--epsilon 0.1 -q ij --interactions i::: -q :j --cubic jFi",
    PREFIX + "--softmax --lambda 5 -b 22 -q :: --ignore u",
    PREFIX + "--regcb -q :: --chain_hash --noconstant",
    "--cb_explore_adf --cb_type dr --epsilon 0.1 --coin -q ::",
]


def explain(decision: Decision, model: Model | None) -> list[ActionExplanation]:
    asked = model is not None and model.version == decision.model
    found = explanation.shares(model, decision.context, decision.ranking.order) if asked else None
    return explanation.explain(decision, found)


numbers = st.sampled_from([-3, -0.5, 0, 1, 1.0, 2.5, 1e6, True, False, None])
texts = st.sampled_from(["", "x", "big cat", "a:b|c", "é", "None"])
scalars = numbers | texts
flat = st.dictionaries(st.sampled_from(["age", "user", "id", "kind", "constant", "a b"]), scalars, max_size=4)
nested = st.dictionaries(
    st.sampled_from(["age", "user", "interest", "job", "F"]),
    scalars | flat | st.lists(st.sampled_from([0, 1, -2.5]), max_size=3) | st.fixed_dictionaries({"deep": flat}),
    max_size=4,
)
bodies = st.fixed_dictionaries(
    {
        "contextFeatures": st.lists(nested, max_size=2),
        "actions": st.lists(st.lists(nested, min_size=1, max_size=2), min_size=1, max_size=4).map(
            lambda features: [{"id": f"id {n}", "features": one} for n, one in enumerate(features)]
        ),
    }
)


def some_body(random: Random) -> dict[str, Any]:
    """What the strategies draw, and training sees."""

    def one() -> dict[str, Any]:
        inner = {"age": random.choice([1, 2.5]), "kind": random.choice(["x", "big cat"]), "id": "x"}
        return {"user": inner, "interest": {"deep": inner}, "job": [0, 1, -2.5], "age": random.random(), "F": inner}

    actions = [{"id": f"id {n}", "features": [one(), {"kind": "x"}]} for n in range(4)]
    return {"contextFeatures": [one(), {"user": "x"}], "actions": actions}


@cache
def model_of(arguments: str) -> Model:
    """A model of this policy whose weights differ from 0 for most of what the strategies draw."""
    random, folder = Random(7), Path(mkdtemp())
    lines = [rewarded(decide(some_body(random)), random.random()) for _ in range(200)]
    return Model("m", train(folder, lines, policy=arguments).predict)


def scores(decision: Decision, model: Model) -> dict[str, float]:
    """Minus the costs that VW predicts, by action."""
    workspace = model.workspace
    examples = workspace.parse(decision.context.decode())
    pylibvw.vw.predict_multi(workspace, examples)
    found = {
        action: -example.get_partial_prediction()
        for action, example in zip(decision.candidates, examples[1:], strict=True)
    }
    workspace.finish_example(examples)
    return found


def sums(explained: list[ActionExplanation]) -> dict[str, float]:
    return {one.id: sum(feature.score for feature in one.features) for one in explained}


@pytest.mark.parametrize("arguments", POLICIES)
@given(body=bodies)
@hypothesis_settings(max_examples=25)
def test_the_shares_of_an_action_add_up_to_its_score(arguments: str, body: dict[str, Any]) -> None:
    model = model_of(arguments)
    decision = decide(body, model)
    explained = explain(decision, model)
    assert [one.id for one in explained] == [decision.candidates[index] for index in decision.ranking.order]
    for one in explained:
        size = sum(abs(feature.score) for feature in one.features)
        assert sums([one])[one.id] == pytest.approx(scores(decision, model)[one.id], abs=1e-4 * (1 + size))
        names = [feature.name for feature in one.features]
        assert len(set(names)) == len(names)
        assert "other" not in names[:TOLD]
        assert 0 not in [feature.score for feature in one.features]


def features(model: Model, body: dict[str, Any], action: str) -> dict[str, float]:
    found = next(one for one in explain(decide(body, model), model) if one.id == action)
    return {feature.name: feature.score for feature in found.features}


@pytest.mark.parametrize("arguments", SINGLE_SLOT)
def test_names_are_those_of_the_request(arguments: str, tmp_path: Path) -> None:
    body = {
        "contextFeatures": [{"user": {"profile": {"age": 3.5}}, "kind": "x", "position": [1, 2]}],
        "actions": [{"id": one, "features": [{"kind": one, "price": 2}]} for one in "ab"],
    }
    lines = [rewarded(decision, decision.ranking.order[0]) for decision in (decide(body) for _ in range(50))]
    model = Model("m", train(tmp_path, lines, policy=arguments).predict)
    names = ["user.profile.age", "kind", "position", "action.kind", "price", "id"]
    pairs = {f"{one}^{other}" for number, one in enumerate(names) for other in names[number + 1 :]}
    found = set(features(model, body, "a"))
    assert {name for name in found if name.count("^") < 2} == {*names, *pairs, "constant"}
    assert any(name.count("^") == 2 for name in found) == ("--cubic" in arguments)


def test_what_decides_has_the_largest_share(tmp_path: Path) -> None:
    random, lines = Random(1), []
    for _ in range(400):
        moment = random.choice(["day", "night"])
        body = {
            "contextFeatures": [{"moment": moment, "noise": random.choice("xyz")}],
            "actions": [{"id": f"{one}{random.random()}", "features": [{"kind": one}]} for one in ("news", "film")],
        }
        decision = decide(body)
        right = (decision.ranking.order[0] == 0) == (moment == "day")
        lines.append(rewarded(decision, float(right)))
    model = Model("m", train(tmp_path, lines, policy=PREFIX + "--epsilon 0.2 -q Fj").predict)
    body = {
        "contextFeatures": [{"moment": "day", "noise": "x"}],
        "actions": [{"id": one, "features": [{"kind": one}]} for one in ("news", "film")],
    }
    right, wrong = features(model, body, "news"), features(model, body, "film")
    assert max(right, key=lambda name: abs(right[name])) == "moment^kind"
    assert right["moment^kind"] > 0 > wrong["moment^kind"]
    assert next(iter(right)) == "moment^kind"


def test_excluded_actions_have_none_and_the_answer_carries_all(tmp_path: Path) -> None:
    model = trained(tmp_path)
    decision = decide(PLAIN[0] | {"excludedActions": ["b"]}, model)
    answer = json.loads(ranking.answer(decision, explain(decision, model)))
    explained = {one["id"]: one["features"] for one in answer["inferenceExplanation"]}
    assert [one["id"] for one in answer["inferenceExplanation"]] == [one["id"] for one in answer["ranking"]]
    assert [name for name, found in explained.items() if not found] == ["b"]
    assert "inferenceExplanation" not in json.loads(ranking.answer(decision))


def test_without_a_model_there_is_nothing_to_explain(tmp_path: Path) -> None:
    decision = decide(PLAIN[0])
    for model in (None, trained(tmp_path)):
        assert sums(explain(decision, model)) == {"a": 0, "b": 0, "c": 0}
        assert all(not one.features for one in explain(decision, model))


@pytest.mark.parametrize("arguments", [PREFIX + "--bag 3 -q ::", PREFIX + "--cover 3 -q ::"])
def test_policies_of_several_models_are_not_explained(arguments: str) -> None:
    decision = decide(some_body(Random(3)), model_of(arguments))
    for one in explain(decision, model_of(arguments)):
        assert [feature.name for feature in one.features] == ["other"]


def test_a_long_list_ends_with_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(policy.EARLIER_ARGUMENTS)
    decision = decide(some_body(Random(5)), model)
    before = scores(decision, model)
    monkeypatch.setattr(explanation, "TOLD", 5)
    for one in explain(decision, model):
        assert [feature.name for feature in one.features].index("other") == 5
        assert sums([one])[one.id] == pytest.approx(before[one.id], abs=1e-4)


def test_too_many_crossings_are_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(policy.EARLIER_ARGUMENTS)
    decision = decide(some_body(Random(5)), model)
    monkeypatch.setattr(explanation, "LOOKED_UP", 2_000)
    explained = explain(decision, model)
    assert sums(explained) == pytest.approx(scores(decision, model), abs=1e-4)
    lengths = [len(one.features) for one in explained]
    assert (lengths[0] > 1, lengths[-1]) == (True, 1)


def test_the_prediction_is_the_same_after_an_explanation(tmp_path: Path) -> None:
    model = trained(tmp_path)
    decision = decide(PLAIN[0], model)
    before = model.predict(decision.context, 3)
    for _ in range(1_000):
        explain(decision, model)
    assert model.predict(decision.context, 3) == before


def test_the_workspace_is_vw_itself(tmp_path: Path) -> None:
    assert isinstance(trained(tmp_path).workspace, vowpalwabbit.Workspace)


@pytest.mark.parametrize("name", ["vw-9.1.0.vw", "vw-9.1.0-predict-only.vw"])
def test_models_made_elsewhere_are_explained(name: str) -> None:
    model = Model("imported", Path(__file__).parents[2] / "data" / name)
    for body in PLAIN[:3]:
        decision = decide(body, model)
        explained = explain(decision, model)
        assert sums(explained) == pytest.approx(scores(decision, model), abs=1e-6)
        expected = {"constant", "time", "id", "kind", "time^id", "time^kind", "kind^id"}
        for one in explained:
            assert {"constant", "id", "kind"} <= {feature.name for feature in one.features} <= expected
