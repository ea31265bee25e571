"""Features of contexts as Rank lays them out: what they are called, and their values."""

import json
from typing import Any

import msgspec
import pytest

from shared.vw.context_features import ACTION, CONTEXT, DEEPEST, MOST_VALUES, leaves, namespace, of_action, own, title
from shared.vw.context_features import values as read

CONTEXT_OF_ALL = {
    "FromUrl": [{"day": "monday", "user": {"id": "u1", "age": 31, "new": True}}],
    "place": {"city": "Bern", "point": {"x": 1.5}},
    "tags": ["a", "b", 3, None],
    "_multi": [
        {"_tag": "a", "i": {"constant": 1, "id": "a"}, "j": [{"price": 4, "kind": "x"}]},
        {"_tag": "b", "i": {"constant": 1, "id": "b"}, "j": [{"price": 9, "size": {"w": 2}}]},
    ],
    "_slots": [{"_id": "s"}],
}


def of(context: Any, draw: int = 0) -> dict[str, list[str | float]]:
    return read(json.dumps(context).encode(), draw)


def test_values_are_those_of_the_context_and_of_the_action_that_was_drawn() -> None:
    shared = {
        "contextFeatures.day": ["monday"],
        "user.id": ["u1"],
        "user.age": [31.0],
        "user.new": ["true"],
        "place.city": ["Bern"],
        "place.point.x": [1.5],
        "contextFeatures.tags": ["a", "b", 3.0],
    }
    assert of(CONTEXT_OF_ALL, 4) == shared | {"actionFeatures.price": [4.0], "actionFeatures.kind": ["x"]}
    assert of(CONTEXT_OF_ALL, 7) == shared | {"actionFeatures.price": [9.0], "size.w": [2.0]}


def test_they_are_called_as_evaluations_call_them() -> None:
    found = set(leaves(own(CONTEXT_OF_ALL), (CONTEXT,)))
    for action in CONTEXT_OF_ALL["_multi"]:
        found.update(leaves(of_action(action), (ACTION,)))
    names = {title(namespace(path[:-1]), path[-1]) for path in found}
    assert names == of(CONTEXT_OF_ALL, 0).keys() | of(CONTEXT_OF_ALL, 1).keys()


def test_a_context_without_actions_or_features_has_what_it_has() -> None:
    assert of({}) == {}
    assert of({"_multi": []}) == {}
    assert of({"FromUrl": [], "a": {"b": None}, "_multi": [7]}) == {"contextFeatures.FromUrl": [], "a.b": []}


def test_what_is_looked_at_of_a_decision_is_bounded() -> None:
    many = {"n": {f"f{number}": number for number in range(3 * MOST_VALUES)}, "m": {"x": 1}}
    assert len(of(many)) == MOST_VALUES
    assert len(of({"n": {"x": list(range(3 * MOST_VALUES))}})["n.x"]) == MOST_VALUES
    deep: dict[str, Any] = {"x": 1}
    for _ in range(3 * DEEPEST):
        deep = {"d": deep}
    assert of({"a": {"b": 1}, "n": deep}) == {"a.b": [1.0]}


def test_a_number_beyond_floats_is_a_large_one() -> None:
    assert of({"a": {"b": 10**400, "c": -(10**400)}}) == {"a.b": [1e308], "a.c": [-1e308]}


@pytest.mark.parametrize("context", [b"[]", b"{", b"7", b'{"a": 1'])
def test_what_is_no_context_is_refused(context: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read(context, 0)
