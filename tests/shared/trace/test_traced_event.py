"""What a joined line says of its event, ours or imported."""

import json
from typing import Any

import pytest

from shared.trace import traced_event
from shared.trace.traced_event import RankedAction, Slot

CONTEXT = {
    "FromUrl": [{"weather": "sun"}],
    "_multi": [{"_tag": one, "i": {"constant": 1, "id": one}, "j": [{"kind": one}]} for one in "abc"],
}


def told(**members: Any) -> traced_event.Trace:
    line = {"EventId": "e", "c": CONTEXT, "a": [2, 1, 3], "p": [0.5, 0.25, 0.25], "VWState": {"m": "1"}} | members
    return traced_event.from_line(json.dumps(line).encode(), "default", "learned")


def test_actions_are_named_in_the_order_of_the_ranking() -> None:
    event = told()
    assert event.chosen_action == "b"
    assert event.ranking == [RankedAction("b", 0.5), RankedAction("a", 0.25), RankedAction("c", 0.25)]
    assert event.context == [{"weather": "sun"}]
    assert event.actions == [{"id": one, "features": [{"kind": one}]} for one in "abc"]


@pytest.mark.parametrize(
    ("p", "model", "explored"),
    [
        ([0.5, 0.25, 0.25], "1", False),
        ([0.25, 0.5, 0.25], "1", True),
        ([1 / 3] * 3, "1", False),
        ([1 / 3] * 3, "N/A", False),
        ([0.25, 0.5, 0.25], "N/A", False),
        ([1.0], "N/A", False),
    ],
)
def test_an_event_explored_if_a_model_thought_another_action_better(p: list[float], model: str, explored: bool) -> None:
    line = {"p": p, "a": list(range(1, len(p) + 1)), "VWState": {"m": model}}
    assert told(**line).explored is explored
    assert told(**line, LearningMode="LoggingOnly").explored is False
    assert told(**line, LearningMode="Apprentice").explored is False


def test_a_line_that_is_not_to_be_learned_is_skipped() -> None:
    assert told(_skipLearn=True).status == "skipped"
    assert told(_skipLearn=True, LearningMode="LoggingOnly").mode == "LoggingOnly"


def test_the_reward_is_the_one_that_was_sent_whatever_was_learned() -> None:
    assert told(_label_cost=-1.0).reward == 1
    assert told(_label_cost=-1.0, _original_label_cost=-0.25).reward == 0.25
    assert told().reward is None


def test_every_slot_is_told_with_its_observations() -> None:
    outcome = {"_label_cost": -1.0, "_id": "top", "_a": [1, 0], "_p": [0.25, 0.75], "_original_label_cost": -0.5}
    observed = {"v": 0.5, "EventId": "e", "ActionTaken": False, "SlotId": "top", "at": "2026"}
    event = told(_outcomes=[outcome | {"_o": [observed]}], a=[], p=[], VWState={"m": "1"})
    assert event.slots == [Slot("top", [RankedAction("b", 0.25), RankedAction("a", 0.75)], True, 0.5)]
    assert event.ranking is event.explored is event.chosen_action is None
    assert [(one.slot, one.value, one.at, one.fate) for one in event.observations] == [("top", 0.5, "2026", "joined")]


def test_imported_lines_may_lack_names_and_most_members() -> None:
    line = {"EventId": "e", "c": {"_multi": [{"x": {"y": 1}}, {"i": {"id": 7}}]}, "a": [3, 2], "p": [0.5, 0.5]}
    event = traced_event.from_line(json.dumps(line).encode(), "default", "learned")
    assert event.ranking == [RankedAction("3", 0.5), RankedAction("7", 0.5)]
    assert (event.context, event.ranked_at, event.mode) == (None, None, "Online")


@pytest.mark.parametrize(
    ("ids", "slots", "names"),
    [
        (["one", "two"], [], ["one", "two"]),
        ([None, None], [], ["1", "2"]),
        ([None, "two"], [{"_id": "first"}, {"_id": "second"}], ["first", "two"]),
        ([None, 7], [{}], ["1", "7"]),
    ],
)
def test_slots_with_a_single_action_and_without_ids_are_read(
    ids: list[Any], slots: list[Any], names: list[str]
) -> None:
    outcome: dict[str, Any] = {"_label_cost": -1.0, "_a": 1, "_p": 1}
    outcomes = [outcome | ({} if one is None else {"_id": one}) for one in ids]
    event = told(_outcomes=outcomes, a=[], p=[], c=CONTEXT | {"_slots": slots})
    assert event.slots == [Slot(name, [RankedAction("b", 1.0)], False, 1.0) for name in names]


def test_a_slot_without_an_id_among_others_with_lists() -> None:
    outcomes = [{"_label_cost": 0, "_a": [2, 0], "_p": [0.25, 0.75]}, {"_label_cost": -0.5, "_a": 1, "_p": 0.5}]
    event = told(_outcomes=outcomes, a=[], p=[], VWState={"m": "1"})
    assert event.slots is not None
    assert [(slot.id, slot.ranking[0].id, slot.explored) for slot in event.slots] == [
        ("1", "c", True),
        ("2", "b", False),
    ]
