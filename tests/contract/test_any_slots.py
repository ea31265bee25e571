"""No multi-slot request, whatever it holds, reaches VW in a form that changes what it means."""

from pathlib import Path
from typing import Any

import pytest
import vowpalwabbit
from harness.learning import train
from harness.slots import CONFIG, decide, interaction, reward, trained
from hypothesis import given
from hypothesis import strategies as st
from test_any_request import SPECIAL, VALUES, features, names

from shared.errors import ApiError
from shared.joined_log.joined_lines import join_line
from shared.rank.slots_ranking import SlotsDecision
from shared.vw import policy
from shared.vw.model import Model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any-slots")


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return trained(folder)


@pytest.fixture(scope="module")
def reader() -> vowpalwabbit.Workspace:
    return vowpalwabbit.Workspace(arg_list=[*policy.MULTI_SLOT_ARGUMENTS.split(), "--dsjson", "--quiet"])


@st.composite
def ranks(draw: st.DrawFn) -> dict[str, Any]:
    """Requests within the contract, mostly."""
    ids = draw(st.lists(names, min_size=2, max_size=5, unique=True))
    slots = draw(st.lists(names, min_size=1, max_size=len(ids), unique=True))
    several = st.lists(features, min_size=1, max_size=2)
    return {
        "actions": [{"id": one, "features": draw(several)} for one in ids],
        "slots": [
            {"id": slot, "baselineAction": one, "features": draw(st.none() | several)}
            for slot, one in zip(slots, ids, strict=False)
        ],
        "contextFeatures": draw(several),
        "eventId": draw(names.filter(lambda name: name not in (".", ".."))),
    }


def decided(body: Any, model: Model | None) -> SlotsDecision | ApiError:
    try:
        return decide(body, model)
    except ApiError as refusal:
        return refusal


def check(decision: SlotsDecision, reader: vowpalwabbit.Workspace) -> bytes:
    """Distinct actions, and a line in which VW reads for each slot the cost, action and probability that were meant."""
    drawn = [ranking.order[0] for ranking in decision.rankings]
    assert len(set(drawn)) == len(decision.slots) == len(drawn)
    rewards = [reward(decision.event_id, slot.id, number / 64) for number, slot in enumerate(decision.slots)]
    line = join_line(interaction(decision), 0, rewards, CONFIG).line
    examples = reader.parse(line.decode().rstrip("\n"))
    assert len(examples) == 1 + len(decision.actions) + len(decision.slots)
    labels = [one.get_label(vowpalwabbit.LabelType.CONDITIONAL_CONTEXTUAL_BANDIT) for one in examples]
    read = [(one.outcome.cost, one.outcome.action_probs[0].action) for one in labels if one.outcome is not None]
    reader.finish_example(examples)
    assert read == [(-number / 64, action) for number, action in enumerate(drawn)]
    return line


@given(body=ranks(), learned=st.booleans())
def test_every_request_within_the_contract_is_decided(
    body: dict[str, Any], learned: bool, model: Model, reader: vowpalwabbit.Workspace
) -> None:
    decision = decided(body, model if learned else None)
    if isinstance(decision, ApiError):
        assert decision.code == "InvalidRankRequest"
        assert "Number out of range" in decision.message
    else:
        check(decision, reader)
        assert decided(body, model if learned else None) == decision


def test_special_names_and_values_can_be_ranked_and_learned(
    model: Model, folder: Path, reader: vowpalwabbit.Workspace
) -> None:
    """The learner is a process of its own: a VW that wrote out of bounds would end it."""
    actions = [{"id": one, "features": [{"x": one}]} for one in ("a", "b", "c")]
    decisions = []
    for number, name in enumerate(SPECIAL):
        for value in VALUES[number % 3 :: 3]:
            slots = [
                {"id": name, "baselineAction": "a", "features": [{name: value}], "excludedActions": ["c"]},
                {"id": name + "2", "baselineAction": "b", "features": [{"x": 1}, {name: value}]},
            ]
            body = {"contextFeatures": [{name: value}], "actions": actions, "slots": slots, "eventId": f"e{name}"}
            decisions.append(decide(body, model))
    lines = [check(decision, reader) for decision in decisions]
    learner = train(folder / "special", lines * 2, folder / "model.vw", policy.MULTI_SLOT_ARGUMENTS)
    again = Model("again", learner.predict)
    for decision in decisions:
        for ranking in again.predict_slots(decision.context, 2):
            assert sum(ranking.probabilities) == pytest.approx(1, abs=1e-5)
