"""Request bodies: what is taken, and what each refusal says. `tests/contract` sends the same over HTTP."""

import json
from typing import Any

import pytest

from shared.errors import ApiError
from shared.hubs import events
from shared.loops.config import LoopConfig
from shared.rank import ranking, wire

ACTION = {"id": "a", "features": [{"x": 1}]}
SHAPE = "Features are not in key value pair format"
NESTED: dict[str, Any] = {"1": {"2": {"3": {"4": {"5": {"6": 1}}}}}}


def action(features: Any) -> dict[str, Any]:
    return {"actions": [{"id": "a", "features": features}]}


def refusal(body: Any) -> ApiError:
    with pytest.raises(ApiError) as refused:
        wire.rank_request(body if isinstance(body, bytes) else json.dumps(body).encode())
    return refused.value


RANK_REFUSALS = {
    "no actions member": ({}, "Action count should be between 1 and 50."),
    "actions null": ({"actions": None}, "Action count should be between 1 and 50."),
    "actions an object": ({"actions": {}}, "Action count should be between 1 and 50."),
    "no actions": ({"actions": []}, "Action count should be between 1 and 50."),
    "51 actions": (
        {"actions": [ACTION | {"id": str(n)} for n in range(51)]},
        "Action count should be between 1 and 50.",
    ),
    "action null": ({"actions": [ACTION, None]}, "Actions contains null value."),
    "action a text": ({"actions": ["a"]}, "`$.actions[0]`"),
    "id missing": ({"actions": [{"features": [{"x": 1}]}]}, "Action ids must not be empty."),
    "id empty": ({"actions": [ACTION | {"id": ""}]}, "Action ids must not be empty"),
    "id null": ({"actions": [ACTION | {"id": None}]}, "Action ids must not be empty"),
    "id true": ({"actions": [ACTION | {"id": True}]}, "Action ids must not be empty"),
    "id an object": ({"actions": [ACTION | {"id": {"id": "a"}}]}, "Action ids must not be empty"),
    "id a long number": (b'{"actions":[{"id":%s,"features":[{"x":1}]}]}' % (b"9" * 257), "longer than 256 characters"),
    "ids repeated as number and text": ({"actions": [ACTION | {"id": 5}, ACTION | {"id": "5"}]}, "must be unique."),
    "id too long": ({"actions": [ACTION | {"id": "x" * 257}]}, "nor longer than 256 characters"),
    "ids repeated": ({"actions": [ACTION, ACTION]}, "Action ids must be unique."),
    "features missing": ({"actions": [{"id": "a"}]}, "at least one object of features"),
    "features empty": (action([]), "at least one object of features"),
    "features all null": (action([None, None]), "at least one object of features"),
    "features null": (action(None), SHAPE),
    "features an object": (action({"x": 1}), SHAPE),
    "features texts": (action(["x"]), SHAPE),
    "features numbers": (action([1]), SHAPE),
    "features lists": (action([[1]]), SHAPE),
    "array of texts": (action([{"x": ["a"]}]), "arrays may hold numbers only"),
    "array of objects": (action([{"x": [{"y": 1}]}]), "arrays may hold numbers only"),
    "array of arrays": (action([{"x": [[1]]}]), "arrays may hold numbers only"),
    "array with null": (action([{"x": [1, None]}]), "arrays may hold numbers only"),
    "array with boolean": (action([{"x": [True]}]), "arrays may hold numbers only"),
    "number too large": (b'{"actions":[{"id":"a","features":[{"x":1e999}]}]}', "A number is too large."),
    "integer too large": (b'{"actions":[{"id":"a","features":[{"x":%s}]}]}' % (b"9" * 5000), "A number is too large."),
    "nested 6 deep": (action([NESTED]), "nested 5 levels deep at most"),
    "feature name empty": (action([{"": 1}]), "A feature name must not be empty."),
    "nested name empty": (action([{"x": {"": 1}}]), "A feature name must not be empty."),
    "context null inside": ({"actions": [ACTION], "contextFeatures": [None]}, "Context features contains null value."),
    "context an object": ({"actions": [ACTION], "contextFeatures": {}}, SHAPE),
    "context texts": ({"actions": [ACTION], "contextFeatures": ["x"]}, SHAPE),
    "excluded a text": ({"actions": [ACTION], "excludedActions": "a"}, "`$.excludedActions`"),
    "excluded null inside": ({"actions": [ACTION], "excludedActions": [None]}, "`$.excludedActions[0]`"),
    "event id empty": ({"actions": [ACTION], "eventId": ""}, "EventId should be non-empty or null"),
    "event id too long": ({"actions": [ACTION], "eventId": "x" * 257}, "at most 256 characters"),
    "event id a dot": ({"actions": [ACTION], "eventId": ".."}, "must survive in a path"),
    "event id escaped": ({"actions": [ACTION], "eventId": "a%2Fb"}, "must survive in a path"),
    "event id an escaped half": ({"actions": [ACTION], "eventId": "a%eD%A0%bD"}, "must survive in a path"),
    "event id false": ({"actions": [ACTION], "eventId": False}, "EventId should be non-empty or null"),
    "excluded true": ({"actions": [ACTION], "excludedActions": [True]}, "`$.excludedActions[0]`"),
    "defer another text": ({"actions": [ACTION], "deferActivation": "yes"}, "`$.deferActivation`"),
    "defer no text": ({"actions": [ACTION], "deferActivation": ""}, "`$.deferActivation`"),
    "defer a number": ({"actions": [ACTION], "deferActivation": 1}, "`$.deferActivation`"),
    "a feature array of texts as numbers": (action([{"x": ["1"]}]), "arrays may hold numbers only"),
    "a member in two cases": ({"actions": [ACTION], "Actions": 5}, "there twice, as 'actions' and as 'Actions'"),
    "a member of an action in two cases": (
        {"actions": [ACTION | {"ID": "b"}]},
        "The member id is there twice, as 'id' and as 'ID'; send it once.",
    ),
    "an action too many in capitals": (
        {"ACTIONS": [{"Id": str(n), "Features": [{}]} for n in range(51)]},
        "Action count",
    ),
    "an array": ([], "Expected `object`, got `array`"),
    "null": (None, "Expected `object`, got `null`"),
}

NOT_JSON = {
    "nothing": (b"", "the body is empty; send JSON with a Content-Length"),
    "blanks": (b"  ", "the body is empty"),
    "cut off": (b'{"actions":[', "truncated"),
    "more behind": (b'{"actions":[{"id":"a","features":[{"x":1}]}]} x', "trailing"),
    "NaN": (b'{"actions":[{"id":"a","features":[{"x":NaN}]}]}', "byte 39"),
    "Infinity": (b'{"actions":[{"id":"a","features":[{"x":-Infinity}]}]}', "byte 4"),
    "a fraction without a zero": (b'{"actions":[{"id":"a","features":[{"x":.25}]}]}', "byte 39"),
    "a raw newline in a text": (b'{"actions":[{"id":"a\n","features":[{"x":1}]}]}', "byte 20"),
    "a raw NUL in a text": (b'{"actions":[{"id":"a\0","features":[{"x":1}]}]}', "byte 20"),
    "not UTF-8": (b'{"actions":[{"id":"\xff","features":[{"x":1}]}]}', "charset=iso-8859-1"),
    "half of UTF-16": (json.dumps({"actions": [ACTION]}).encode("utf-16")[:20], "truncated"),
    "NaN for an id": (b'{"actions":[{"id":NaN,"features":[{"x":1}]}]}', "byte 18"),
    "nested very deep": (
        b'{"actions":[{"id":"a","features":[' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"]}]}",
        "recursion",
    ),
    "a bottomless array": (b'{"x":' + b"[" * 100_000, "recursion"),
    "form data": (b"actions=a&eventId=b", "byte 0"),
}


@pytest.mark.parametrize(("body", "message"), RANK_REFUSALS.values(), ids=RANK_REFUSALS.keys())
def test_a_rank_of_the_wrong_shape_is_refused(body: Any, message: str) -> None:
    error = refusal(body)
    assert (error.status, error.code) == (400, "InvalidRankRequest")
    assert message in error.message


@pytest.mark.parametrize(("body", "message"), NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_not_json_is_refused(body: bytes, message: str) -> None:
    error = refusal(body)
    assert (error.status, error.code) == (400, "BadRequest")
    assert message in error.message


@pytest.mark.parametrize(
    "body",
    [
        action([{"x": 1, "y": "s", "z": True, "n": None, "a": [1, 2.5], "o": {"p": {"q": 1}}}, {}]),
        action([None, {"x": 1}]),
        action([{}]),
        action([{"x": []}]),
        action([{"x": "s" * 500_000}]),
        action([{"😀": "😀", "a b:c|d": "\t\n"}]),
        action([{"_x": 1}]),
        {"actions": [ACTION | {"id": str(n)} for n in range(50)]},
        {"actions": [ACTION | {"id": "x" * 256}], "eventId": "y" * 256},
        {
            "actions": [ACTION],
            "contextFeatures": None,
            "excludedActions": None,
            "eventId": None,
            "deferActivation": None,
        },
        {"actions": [ACTION | {"more": [[{}]]}], "unknown": {"x": 1}, "Unknown": 5},
    ],
)
def test_a_rank_within_the_contract_is_taken(body: Any) -> None:
    wire.rank_request(json.dumps(body).encode())
    wire.rank_request(json.dumps(body, ensure_ascii=False).encode())


def test_of_repeated_members_the_last_counts() -> None:
    request = wire.rank_request(
        b'{"eventId":"1","eventId":"2","actions":[{"id":"a","id":"b","features":[{"x":1,"x":2}]}]}'
    )
    assert [(one.id, one.features) for one in request.actions] == [("b", [{"x": 2}])]
    assert request.event_id == "2"


@pytest.mark.parametrize("value", [-1, -0.5, 0, 1])
def test_rewards(value: float) -> None:
    assert wire.reward_request(json.dumps({"value": value, "unknown": 1}).encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        b'{"value":1.01}',
        b'{"value":-2}',
        b'{"value":"1.5"}',
        b'{"value":"NaN"}',
        b'{"value":"one"}',
        b'{"value":""}',
        b'{"value":"0x1"}',
        b'{"value":{}}',
        b'{"value":"1e999"}',
        b'{"value":null}',
        b'{"value":true}',
        b"{}",
        b'{"value":1e999}',
    ],
)
def test_rewards_out_of_range_are_refused(body: bytes) -> None:
    with pytest.raises(ApiError, match="value must be a number from -1 to 1") as refused:
        wire.reward_request(body)
    assert (refused.value.status, refused.value.code) == (400, "InvalidRewardRequest")


@pytest.mark.parametrize("body", [b"", b"1.", b'{"value":NaN}', b'{"value":Infinity}'])
def test_rewards_that_are_not_json_are_refused(body: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        wire.reward_request(body)
    assert refused.value.code == "BadRequest"


@pytest.mark.parametrize(
    "body", ['{"eventId":"Ångström"}', '{"eventId":"caf\xe9"}', '{"actions":[{"id":"a","features":[{"x":"é"}]}]}']
)
def test_a_body_in_an_encoding_that_is_not_declared_is_pointed_to_utf8(body: str) -> None:
    with pytest.raises(ApiError, match=r"not UTF-8 \(byte 0x.. at offset \d+\); send UTF-8, or .*charset=") as refused:
        wire.rank_request(body.encode("latin-1"))
    assert refused.value.code == "BadRequest"
    assert "unexpected end" not in refused.value.message


def test_event_ids_of_a_path() -> None:
    assert wire.event_id("a%2Fb%2fc%20", "InvalidRewardRequest") == "a/b/c%20"
    for half in ("%ED%A0%BD", "%ed%b8%80"):
        assert wire.event_id(f"s1{half}", "InvalidRewardRequest") == "s1\ufffd"
        assert wire.event_id(half * 2, "InvalidRewardRequest") == "\ufffd\ufffd"
    for whole in ("%ED%9F%BF", "%EE%80%80", "%ED%A0", "\ufffd\ufffd\ufffd"):
        assert wire.event_id(whole, "InvalidRewardRequest") == whole
    for text in ("", "x" * 257):
        with pytest.raises(ApiError, match="1 to 256 characters") as refused:
            wire.event_id(text, "InvalidEventIdToActivate")
        assert refused.value.code == "InvalidEventIdToActivate"


def test_a_decision_longer_than_a_message_is_refused() -> None:
    """Else it could never be logged, and would hold up its partition for ever."""
    actions = [b'{"id":"%d","features":[{"x":[%s]}]}' % (n, b",".join([b"1e9"] * 2_000)) for n in range(50)]
    body = b'{"actions":[%s]}' % b",".join(actions)
    assert len(body) < 524_288
    with pytest.raises(ApiError, match="send fewer features") as refused:
        ranking.decide(wire.rank_request(body), LoopConfig(), None, 0)
    assert (refused.value.status, refused.value.code) == (413, "PayloadSizeExceeded")
    longest = {"actions": [ACTION | {"id": "\x01" * 250 + str(n)} for n in range(50)], "eventId": "\x01" * 256}
    decision = ranking.decide(wire.rank_request(json.dumps(longest).encode()), LoopConfig(), None, 0)
    around = len(ranking.event(decision, "default", deferred=False)) - len(decision.context)
    assert events.LARGEST_CONTEXT_BYTES + around < 2**20 - 10_000
