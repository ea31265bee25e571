"""Multi-slot request bodies: what is taken, and how the rest is refused."""

import json
from typing import Any

import pytest
from harness.slots import ACTIONS, SLOTS, body

from shared.errors import ApiError
from shared.rank import slots_wire


def slots(**changed: Any) -> dict[str, Any]:
    return body(slots=[SLOTS[0] | changed, SLOTS[1]])


def refused(request: Any) -> ApiError:
    raw = request if isinstance(request, bytes) else json.dumps(request).encode()
    with pytest.raises(ApiError) as refusal:
        slots_wire.rank_request(raw)
    return refusal.value


@pytest.mark.parametrize(
    ("request_body", "says"),
    [
        (body(slots=[]), "Slot count should be between 1 and 50."),
        (body(slots=None), "Slot count should be between 1 and 50."),
        ({"actions": ACTIONS}, "Slot count should be between 1 and 50."),
        (body(slots=[None]), "Slots contain null value."),
        (body(slots=[{"baselineAction": "a"}]), "Slot ids must have 1 to 256 characters."),
        (slots(id=""), "Slot ids must have 1 to 256 characters."),
        (slots(id="x" * 257), "Slot ids must have 1 to 256 characters."),
        (slots(id=True), "Slot ids must have 1 to 256 characters."),
        (slots(baselineAction={}), "Every slot needs a baselineAction"),
        (slots(id="side"), "Slot ids must be unique; 'side' is not."),
        (body(slots=[{"id": "top"}]), "Every slot needs a baselineAction"),
        (slots(baselineAction=None), "Every slot needs a baselineAction"),
        (slots(baselineAction="x"), "The baselineAction 'x' of slot 'top' is none of the actions."),
        (slots(baselineAction="b"), "Every slot must have its own baselineAction; 'b' is that of several."),
        (slots(excludedActions=["a"]), "The baselineAction 'a' of slot 'top' is excluded there."),
        (slots(excludedActions=["x"]), "The excluded action 'x' of slot 'top' is none of the actions."),
        (slots(excludedActions="a"), "excludedActions must be a list of action ids."),
        (slots(features=[{"x": ["text"]}]), "arrays may hold numbers only"),
        (slots(features=[{"": 1}]), "A feature name must not be empty."),
        (slots(features=[1]), "Features are not in key value pair format"),
        (body(actions=ACTIONS[:1]), "There are 2 slots and 1 actions; an action fills at most one slot."),
        (body(actions=[]), "Action count should be between 1 and 50."),
        (body(actions=[ACTIONS[0]] * 2), "Action ids must be unique."),
        (body(contextFeatures=[None]), "Context features contains null value."),
        (body(eventId=""), "EventId should be non-empty or null"),
        (body(eventId="."), "An eventId must survive in a path"),
    ],
)
def test_what_is_refused_and_why(request_body: Any, says: str) -> None:
    error = refused(request_body)
    assert (error.code, error.status) == ("InvalidRankRequest", 400)
    assert says in error.message


@pytest.mark.parametrize("raw", [b"", b"{", b'{"actions":\xff}'])
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    assert refused(raw).code == "BadRequest"


def test_slots_need_neither_features_nor_exclusions() -> None:
    bare = [{"id": "top", "baselineAction": "a"}, {"id": "side", "baselineAction": "b", "features": None}]
    request = slots_wire.rank_request(json.dumps(body(slots=bare)).encode())
    assert [slot.id for slot in request.slots] == ["top", "side"]


def test_features_of_slots_are_made_safe_for_vw() -> None:
    raw = json.dumps(slots(features=[{"_inc": [1], "é": {"x": 1e30}, "n": {"y": 1}}, None])).encode()
    assert slots_wire.rank_request(raw).slots[0].features == [{"né": {"x": 4e9}, "n": {"y": 1}}]


def test_rewards() -> None:
    given = {"reward": [{"slotId": "top", "value": 0.5}, {"slotId": "side", "value": -1}]}
    rewards = slots_wire.reward_request(json.dumps(given).encode())
    assert [(one.slot_id, one.value) for one in rewards] == [("top", 0.5), ("side", -1)]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"value": 1}, "reward must list 1 to 50 objects of slotId and value."),
        ({"reward": []}, "reward must list 1 to 50 objects of slotId and value."),
        ({"reward": [{"slotId": "s", "value": 0}] * 51}, "reward must list 1 to 50 objects of slotId and value."),
        ({"reward": [None]}, "reward must list 1 to 50 objects of slotId and value."),
        ({"reward": [{"slotId": "", "value": 0}]}, "slotId must have 1 to 256 characters."),
        ({"reward": [{"value": 0}]}, "slotId must have 1 to 256 characters."),
        ({"reward": [{"slotId": "s"}]}, "value must be a number from -1 to 1."),
        ({"reward": [{"slotId": "s", "value": 1.5}]}, "value must be a number from -1 to 1."),
        ({"reward": [{"slotId": "s", "value": "1.5"}]}, "value must be a number from -1 to 1."),
        ({"reward": [{"slotId": "s", "value": True}]}, "value must be a number from -1 to 1."),
        ({"reward": [{"slotId": None, "value": 1}]}, "slotId must have 1 to 256 characters."),
        ({"reward": [{"slotId": "s", "SlotId": "t", "value": 1}]}, "as 'slotId' and as 'SlotId'"),
    ],
)
def test_rewards_that_are_refused(given: Any, says: str) -> None:
    with pytest.raises(ApiError, match=says) as refusal:
        slots_wire.reward_request(json.dumps(given).encode())
    assert refusal.value.code == "InvalidRewardRequest"
