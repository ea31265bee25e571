"""Playing without HTTP: the feature layout, and that the numbers mean what they say."""

import json
from random import Random

import pytest

from simulator.cafe import CAFE
from simulator.offline import labelled, play, vw_json
from simulator.scenario import Action, Scenario, Visit

LEARNING = "--cb_explore_adf --cb_type mtr --squarecb --gamma_scale 100 -q ::"
UNIFORM = "--cb_explore_adf --cb_type mtr --epsilon 1"


def one_good_action(rng: Random, progress: float) -> Visit:
    return Visit([{"day": rng.randrange(7)}], [Action(name, [{"name": name}]) for name in "abc"], [0.1, 0.9, 0.1])


EASY = Scenario("easy", "One of three actions is always right.", one_good_action)


def test_examples_have_the_layout_of_the_service() -> None:
    visit = Visit([{"a": 1}], [Action("x", [{"b": 2}]), Action("y", [{"b": 3}])], [0.0, 1.0])
    example = vw_json(visit)
    assert json.loads(example) == {
        "FromUrl": [{"a": 1}],
        "_multi": [
            {"_tag": "x", "i": {"constant": 1, "id": "x"}, "j": [{"b": 2}]},
            {"_tag": "y", "i": {"constant": 1, "id": "y"}, "j": [{"b": 3}]},
        ],
    }
    line = json.loads(labelled(example, 1, [0.75, 0.25], 0.5, 60))
    assert line.items() >= {"_label_cost": -0.5, "_label_probability": 0.25, "_labelIndex": 1, "EventId": "60"}.items()
    assert (line["a"], line["p"], line["c"]) == ([2, 1], [0.25, 0.75], json.loads(example))
    assert line["Timestamp"] == "1970-01-01T01:00:00.000Z"


def test_a_policy_that_never_exploits_gains_nothing_and_a_learning_one_nearly_everything_the_cap_leaves() -> None:
    assert play(EASY, UNIFORM, seed=1, events=1_000, exploration=1.0).gain == pytest.approx(0, abs=1e-6)
    learned = play(EASY, LEARNING, seed=1, events=3_000)
    assert learned.optimal == pytest.approx(0.9)
    assert 0.5 < learned.gain < 0.9


def test_nothing_is_gained_before_the_first_refresh_can_learn() -> None:
    assert play(EASY, LEARNING, seed=1, events=400, refresh=200).gain == pytest.approx(0)
    assert play(EASY, LEARNING, seed=1, events=800, refresh=200).gain > 0.2


def test_a_run_depends_on_its_seed_alone() -> None:
    assert play(CAFE, LEARNING, seed=7, events=900) == play(CAFE, LEARNING, seed=7, events=900)
    assert play(CAFE, LEARNING, seed=7, events=900) != play(CAFE, LEARNING, seed=8, events=900)
