"""The labels that imported lines are learned with: what their outcomes say, and otherwise what they were given."""

import json
from typing import Any

import pytest
from harness.exports import line, slots_line

from shared.joined_log.joined_lines import relabelled
from shared.loops.config import LoopConfig

CONFIG = LoopConfig(default_reward=0.5, aggregation="sum")


def labels(given: dict[str, Any], *, imported: bool = True) -> list[float]:
    """The cost that the line is learned with, of each slot if it has several."""
    one = json.loads(relabelled(json.dumps(given).encode() + b"\n", CONFIG, imported=imported))
    return [slot["_label_cost"] for slot in one["_outcomes"]] if "_outcomes" in one else [one["_label_cost"]]


def slots(*outcomes: dict[str, Any], **changed: Any) -> dict[str, Any]:
    made = [{"_id": str(number), "_a": [number], "_p": [1.0]} | one for number, one in enumerate(outcomes)]
    return slots_line(1, _outcomes=made, EventId="e", **changed)


def reward(value: float) -> dict[str, Any]:
    return {"v": value, "EventId": "e", "ActionTaken": False}


def test_a_label_that_no_outcome_gives_stays() -> None:
    given = line(1, _label_cost=-0.25, _original_label_cost=-0.25, o=[])
    assert labels(given) == [-0.25]
    assert labels(given, imported=False) == [-0.5], "of our own lines that means no reward came"
    activated = line(1, _label_cost=-0.25, o=[{"EventId": "e", "ActionTaken": True}])
    assert labels(activated) == [-0.25]


def test_a_label_that_outcomes_give_is_that_of_the_loop_s_settings() -> None:
    assert labels(line(1, _label_cost=-0.25, _original_label_cost=-0.25, o=[reward(0.25), reward(0.5)])) == [-0.75]


@pytest.mark.parametrize(("action", "cost"), [(1, -1.0), (2, 0.0)])
def test_a_line_of_an_apprentice_stays_though_it_does_not_say_so(action: int, cost: float) -> None:
    others = [one for one in (1, 2, 3) if one != action]
    named = {"_label_Action": action, "_labelIndex": action - 1, "a": [action, *others], "o": [reward(0.75)]}
    assert labels(line(1, _label_cost=cost, _original_label_cost=-0.75, **named)) == [cost]


def test_slots_keep_the_labels_that_no_outcome_gives() -> None:
    given = slots(
        {"_label_cost": -0.25, "_original_label_cost": -0.25, "_o": []},
        {"_label_cost": -0.75, "_original_label_cost": -0.75, "_o": [reward(0.125)]},
    )
    assert labels(given) == [-0.25, -0.125]
    assert labels(given, imported=False) == [-0.5, -0.125]


def test_slots_of_an_apprentice_whose_baselines_are_not_told_stay() -> None:
    outcomes = [
        {"_label_cost": -1.0, "_original_label_cost": -0.75, "_o": [reward(0.75)]},
        {"_label_cost": 0.0, "_original_label_cost": -0.25, "_o": [reward(0.25)]},
    ]
    assert labels(slots(*outcomes)) == [-1.0, 0.0]
    assert labels(slots(*outcomes, _ba=[0, 0], LearningMode="Apprentice")) == [-1.0, 0.0]
