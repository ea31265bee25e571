"""What is taken beside the contract: each kind, and that nothing within the contract is changed by it."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import Decoder

from shared.errors import ApiError
from shared.rank import lenient, slots_wire, wire

ACTION = {"id": "a", "features": [{"x": 1}]}


def rank(body: str | bytes) -> wire.RankRequest[Any]:
    return wire.rank_request(body if isinstance(body, bytes) else body.encode())


@pytest.mark.parametrize("digits", ["101", "-7", "0", "1.0", "1e3", "1E+2", "-0", "12345678901234567890123", "0.10"])
def test_numeric_ids_are_text_with_their_digits(digits: str) -> None:
    request = rank(
        f'{{"eventId": {digits} ,"excludedActions":[ {digits}, "b"],'
        f'"actions":[{{"id" : {digits},"features":[{{"x":1}}]}},{{"features":[{{"id":5}}],"id":"b"}}]}}'
    )
    assert request.event_id == digits
    assert [action.id for action in request.actions] == [digits, "b"]
    assert request.excluded_actions == [digits, "b"]
    assert request.actions[1].features == [{"id": 5}]


def test_numeric_ids_of_slots() -> None:
    actions = [{"id": number, "features": [{}]} for number in (1, 2, 3)]
    slots = [{"id": 7, "baselineAction": 1, "excludedActions": [2]}, {"id": "8", "baselineAction": "3"}]
    request = slots_wire.rank_request(json.dumps({"actions": actions, "slots": slots, "eventId": 9}).encode())
    assert [(one.id, one.baseline_action, one.excluded_actions) for one in request.slots] == [
        ("7", "1", ["2"]),
        ("8", "3", None),
    ]
    assert request.event_id == "9"
    rewards = slots_wire.reward_request(b'{"Reward":[{"SLOTID":7,"Value":"-.5"}]}')
    assert [(one.slot_id, one.value) for one in rewards] == [("7", -0.5)]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.0", 1), ("1", 1), (" 0.5\\n", 0.5), ("+.25", 0.25), ("-1.", -1), ("1e-1", 0.1), ("5E-1", 0.5), ("-0", 0)],
)
def test_text_is_taken_for_a_number_where_one_is_due(text: str, value: float) -> None:
    assert wire.reward_request(f'{{"value":"{text}"}}'.encode()) == value
    assert slots_wire.reward_request(f'{{"reward":[{{"slotId":"s","value":"{text}"}}]}}'.encode())[0].value == value


@pytest.mark.parametrize(("text", "value"), [("true", True), ("True", True), ("FALSE", False), (" false ", False)])
def test_text_is_taken_for_a_truth_where_one_is_due(text: str, value: bool) -> None:
    assert rank(json.dumps({"actions": [ACTION], "deferActivation": text})).defer_activation is value


@pytest.mark.parametrize("change", [str.upper, str.lower, str.capitalize, str.swapcase])
def test_names_of_the_contract_are_read_in_any_case(change: Any) -> None:
    features = [{"EventId": "e", "eventid": 1, "Inner": {"ID": 2}}]
    members: dict[str, Any] = {"eventId": "e", "deferActivation": True, "excludedActions": ["b"]}
    members |= {"contextFeatures": features, "unknown": {"actions": 1}}
    members["actions"] = [{change("id"): one, change("features"): features, "Name": "x"} for one in "ab"]
    request = rank(json.dumps({change(name): value for name, value in members.items()}))
    assert (request.event_id, request.defer_activation, request.excluded_actions) == ("e", True, ["b"])
    assert request.context_features == features
    assert [(action.id, action.features) for action in request.actions] == [("a", features), ("b", features)]


def test_names_that_only_look_alike_are_others() -> None:
    """Neither the long s nor the I with a dot is a letter of the contract."""
    assert rank(json.dumps({"actions": [ACTION], "eventİd": "x", "event_id": "y", "event-id": "z"})).event_id is None
    with pytest.raises(ApiError, match="Action count"):
        rank(json.dumps({"actionſ": [ACTION]}, ensure_ascii=False))


def test_half_a_character_is_replaced_in_names_values_and_ids() -> None:
    half = "\ud83d"
    features = {f"title{half}": f"cut {half}", "whole": "😀", "inner": {half: half}}
    request = rank(json.dumps({"eventId": f"e{half}", "actions": [{"id": f"a{half}", "features": [features]}]}))
    assert (request.event_id, request.actions[0].id) == ("e�", "a�")
    assert request.actions[0].features == [{"title�": "cut �", "whole": "😀", "inner": {"�": "�"}}]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_that_show_themselves(encoding: str) -> None:
    body = json.dumps({"eventId": "Å😀", "actions": [ACTION]}, ensure_ascii=False).encode(encoding)
    assert rank(body).event_id == "Å😀"
    assert wire.reward_request('{"value":1}'.encode(encoding)) == 1


# Bodies within the contract: what a decoder of the contract takes is the same after it was made exact.
TEXTS = st.text(min_size=1, max_size=6)
NUMBERS = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=6) | st.sampled_from(["1", "true", "NaN"])
CONTRACT = st.sampled_from(["id", "ID", "eventId", "EventId", "Features", "value", "slotId", "Actions"])
FEATURES = st.dictionaries(
    TEXTS | CONTRACT, SCALARS | st.dictionaries(TEXTS | CONTRACT, SCALARS, max_size=3), max_size=3
)
ACTIONS = st.fixed_dictionaries({"id": TEXTS, "features": st.lists(FEATURES, min_size=1, max_size=2)})
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "contextFeatures": st.none() | st.lists(FEATURES, max_size=2),
    "eventId": st.none() | TEXTS,
    "deferActivation": st.none() | st.booleans(),
}
EXCLUDED = st.none() | st.lists(st.text(max_size=3), max_size=2)
NEEDED = {"actions": st.lists(ACTIONS, min_size=1, max_size=3)}
RANK = st.fixed_dictionaries(NEEDED, optional=OPTIONAL | {"excludedActions": EXCLUDED})
SLOTS = st.fixed_dictionaries(
    {"id": TEXTS, "baselineAction": TEXTS}, optional={"features": st.lists(FEATURES), "excludedActions": EXCLUDED}
)
REWARD = st.fixed_dictionaries({"value": st.floats(-1, 1) | st.integers(-1, 1)})
REWARDS = st.lists(st.fixed_dictionaries({"slotId": TEXTS, "value": st.floats(-1, 1)}), min_size=1, max_size=3)
EXACT = st.one_of(
    st.tuples(st.just(wire._any), RANK),
    st.tuples(
        st.just(slots_wire._any),
        st.fixed_dictionaries(NEEDED | {"slots": st.lists(SLOTS, min_size=1, max_size=2)}, optional=OPTIONAL),
    ),
    st.tuples(st.just(wire._reward), REWARD),
    st.tuples(st.just(slots_wire._reward), st.builds(lambda rewards: {"reward": rewards}, REWARDS)),
)


@given(EXACT, st.booleans(), st.booleans())
def test_what_the_contract_has_is_left_as_it_is(case: tuple[Decoder[Any], Any], ascii_only: bool, spaced: bool) -> None:
    decoder, value = case
    body = json.dumps(value, ensure_ascii=ascii_only, indent=1 if spaced else None).encode()
    expected = decoder.decode(body)
    assert decoder.decode(lenient.exact(decoder, body, "BadRequest")) == expected


@given(EXACT, st.randoms(use_true_random=False))
def test_members_in_other_cases_and_unknown_ones_change_nothing(case: tuple[Decoder[Any], Any], random: Any) -> None:
    decoder, value = case
    body = json.dumps(_bent(value, random)).encode()
    assert lenient.decode(decoder, body, "BadRequest") == decoder.decode(json.dumps(value).encode())


def _bent(value: Any, random: Any) -> Any:
    """The value with the contract's names in random cases, and with members that it does not have."""
    if isinstance(value, list):
        return [_bent(one, random) for one in value]
    if not isinstance(value, dict):
        return value
    bent = {}
    for name, inner in value.items():
        as_is = name.lower().endswith("features") or name == "excludedActions"
        bent["".join(random.choice((one.upper(), one.lower())) for one in name)] = (
            inner if as_is else _bent(inner, random)
        )
    return bent | {"unknown": [1, {"id": 2}]}


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    for decoder in (wire._any, wire._reward):
        with contextlib.suppress(ApiError):
            assert isinstance(lenient.decode(decoder, body, "InvalidRankRequest"), msgspec.Struct)
