"""Multi-slot decisions: distinct, allowed, repeatable, and logged with the probabilities they were drawn with."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from harness.slots import ACTIONS, LIKED, SLOTS, body, chosen, decide, interaction, trained
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ApiError
from shared.rank import slots_ranking
from shared.vw import model as model_module
from shared.vw import policy, sampling
from shared.vw.model import Model, PredictionError

SQUARECB = "--ccb_explore_adf --cb_type mtr --squarecb --gamma_scale 30 -q ::"


@pytest.fixture(scope="module", params=[policy.MULTI_SLOT_ARGUMENTS, SQUARECB], ids=["epsilon", "squarecb"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return trained(tmp_path_factory.mktemp("slots"), request.param)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Requests whose exclusions leave each slot its baseline at least, and sometimes no more."""
    ids = [f"action {number}" for number in range(draw(st.integers(1, 6)))]
    baselines = draw(st.permutations(ids))[: draw(st.integers(1, len(ids)))]
    names = draw(st.lists(st.text(min_size=1, max_size=5), min_size=len(ids), max_size=len(ids), unique=True))
    slots = [
        {
            "id": name,
            "baselineAction": baseline,
            "excludedActions": draw(st.lists(st.sampled_from([one for one in ids if one != baseline] or [""]))),
        }
        for name, baseline in zip(names, baselines, strict=False)
    ]
    if len(ids) == 1:
        slots[0]["excludedActions"] = []
    actions = [{"id": one, "features": [{"kind": one}]} for one in ids]
    event_id = draw(st.text(min_size=1, max_size=8).filter(lambda text: text not in (".", "..") and "%" not in text))
    return {"actions": actions, "slots": slots, "eventId": event_id}


@given(requests(), st.booleans())
def test_actions_are_distinct_allowed_and_the_same_for_the_same_event_id(
    model: Model, request_body: dict[str, Any], learned: bool
) -> None:
    serving = model if learned else None
    decision = decide(request_body, serving)
    ids, taken = [action["id"] for action in request_body["actions"]], list[str]()
    for slot, ranking in zip(request_body["slots"], decision.rankings, strict=True):
        offered = [ids[index] for index in ranking.order]
        assert len(set(offered)) == len(offered) == len(ranking.probabilities)
        assert not {*offered} & {*slot["excludedActions"], *taken}
        assert sum(ranking.probabilities) == pytest.approx(1, abs=1e-5)
        assert min(ranking.probabilities) >= 0
        taken.append(offered[0])
    assert len(set(taken)) == len(taken)
    assert decide(request_body, serving) == decision


def test_every_action_that_no_exclusion_takes_away_may_be_chosen(model: Model) -> None:
    for serving in (None, model):
        offered = [set(ranking.order) for ranking in decide(body(eventId="e"), serving).rankings]
        assert offered[0] == {0, 1, 2, 3}
        assert offered[1] == {0, 1, 3} - {chosen_first(serving)}


def chosen_first(model: Model | None) -> int:
    return decide(body(eventId="e"), model).rankings[0].order[0]


def test_the_last_action_of_a_slot_is_reserved_for_it() -> None:
    only_b = [SLOTS[0], {"id": "side", "baselineAction": "b", "excludedActions": ["a", "c", "d"]}]
    decision = decide(body(slots=only_b))
    assert set(decision.rankings[0].order) == {0, 2, 3}
    assert chosen(decision)[1] == "b"


def test_a_slot_that_earlier_ones_could_starve_keeps_its_baseline() -> None:
    """Three slots share a and b but for the first, which has c too: it may take neither of the others' last ones."""
    slots = [
        {"id": "1", "baselineAction": "c"},
        {"id": "2", "baselineAction": "a", "excludedActions": ["c", "d"]},
        {"id": "3", "baselineAction": "b", "excludedActions": ["c", "d"]},
    ]
    for number in range(50):
        first, second, third = chosen(decide(body(slots=slots, eventId=f"{number}")))
        assert (second, third) == ("a", "b")
        assert first in {"c", "d"}


@pytest.mark.parametrize("learned", [False, True])
def test_the_draw_is_the_one_of_event_id_and_slot(model: Model, learned: bool) -> None:
    for number in range(100):
        decision = decide(body(eventId=f"event-{number}"), model if learned else None)
        for slot, ranking in zip(decision.slots, decision.rankings, strict=True):
            best_first = sorted(ranking.probabilities, reverse=True)
            place = sampling.choose(best_first, sampling.draw(0, decision.event_id + slot.id))
            assert ranking.probabilities[0] == best_first[place]


def test_draws_follow_the_probabilities(model: Model) -> None:
    count = 3_000
    decisions = [decide(body(eventId=f"{number}"), model) for number in range(count)]
    first = dict(zip(*decisions[0].rankings[0], strict=True))
    drawn = Counter(decision.rankings[0].order[0] for decision in decisions)
    for action, probability in first.items():
        assert drawn[action] / count == pytest.approx(probability, abs=4 * (probability / count) ** 0.5 + 1e-9)


def test_it_has_learned_what_is_liked_in_each_slot(model: Model) -> None:
    for context, liked in LIKED.items():
        decisions = [decide(body(context, eventId=f"{number}"), model) for number in range(200)]
        for place in (0, 1):
            assert sum(chosen(one)[place] == liked[place] for one in decisions) > 120


def test_exploration_is_the_epsilon_of_the_policy(tmp_path: Path) -> None:
    trained(tmp_path)
    for share in (0.0, 0.4):
        options = policy.parse(policy.MULTI_SLOT_ARGUMENTS).exploration_options(share)
        decision = decide(body(eventId="e"), Model("explorer", tmp_path / "predict.vw", options))
        assert max(decision.rankings[0].probabilities) == pytest.approx(1 - share * 3 / 4, abs=1e-6)


def test_the_event_says_what_was_decided() -> None:
    decision = decide(body(eventId="e"))
    made = interaction(decision, deferred=True)
    assert made.slots is not None
    assert [(slot.id, slot.a, slot.p) for slot in made.slots] == [
        (slot.id, *ranking) for slot, ranking in zip(decision.slots, decision.rankings, strict=True)
    ]
    assert (made.a, made.p, made.ba, made.model, made.deferred) == ([], [], [0, 1], "N/A", True)
    assert bytes(made.c) == decision.context


def test_the_context_is_the_layout_of_the_contract() -> None:
    slots = json.loads(decide(body(eventId="e")).context)["_slots"]
    assert slots == [
        {"_id": "top", "_tag": "seed=etop", "sj": [{"size": "large"}]},
        {"_id": "side", "_tag": "seed=eside", "sj": [{"size": "small"}], "_inc": [0, 1, 3]},
    ]


def test_the_fast_route_equals_the_public_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = trained(tmp_path)
    monkeypatch.setattr(model_module, "_low_level", lambda workspace, multi_slot: None)
    slow = Model("trained", tmp_path / "predict.vw")
    assert slow._predict == slow._workspace.predict
    for number in range(20):
        request = body(eventId=f"{number}")
        assert decide(request, fast) == decide(request, slow)


@pytest.mark.parametrize("context", [b"{", b"", b'{"_multi":[{"j":{"a":1}},{"j":{"a":2}}]}'])
def test_what_vw_takes_for_something_else_is_an_error(model: Model, context: bytes) -> None:
    with pytest.raises(PredictionError):
        model.predict_slots(context, 2)


def test_an_answer_without_probabilities_is_an_error(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_predict", lambda context: [[(0, float("nan")), (1, 0.5)]])
    with pytest.raises(PredictionError, match="sum to nan"):
        model.predict_slots(b"{}", 1)
    with pytest.raises(ApiError, match="could not rank") as refusal:
        decide(body(), model)
    assert refusal.value.status == 409


def test_the_answer_has_no_probabilities() -> None:
    decision = decide(body(eventId="e"))
    assert json.loads(slots_ranking.answer(decision)) == {
        "slots": [
            {"id": one, "rewardActionId": action} for one, action in zip(("top", "side"), chosen(decision), strict=True)
        ],
        "eventId": "e",
    }
    assert len(ACTIONS) == 4
