"""Crossings of the namespaces that events have, as VW is told them."""

import json
from typing import Any

import pytest
import vowpalwabbit

from shared.vw import schema
from shared.vw.cost import MOST
from shared.vw.schema import MOST_ACTION, MOST_CONTEXT, Schema, Tally


def context(shared: dict[str, Any], *actions: dict[str, Any]) -> dict[str, Any]:
    identity = {"i": {"constant": 1, "id": "a"}}
    return {"FromUrl": [shared], "_multi": [{"_tag": "a", **identity, "j": [one]} for one in actions]}


def grown(*contexts: dict[str, Any], known: Schema | None = None) -> Schema:
    tally = Tally()
    for one in contexts:
        tally.add(one)
    return tally.grown(known or Schema(), contexts[-1])


def test_context_is_crossed_with_actions_and_in_pairs_with_their_identity() -> None:
    assert Schema("Fu", "j").crossings == ["Fj", "uj", "Fi", "ui", "FFi", "Fui", "uui"]
    assert Schema("F", "j").arguments == "-q Fj -q Fi --cubic FFi"


@pytest.mark.parametrize(
    "seen",
    [Schema("F", "j"), Schema("Fu", "jp"), Schema("F"), Schema("Fu", "uj"), Schema("Fi", "j"), Schema("aiu", "acu")],
)
def test_a_schema_is_known_by_its_crossings_in_any_order(seen: Schema) -> None:
    found = schema.of(one[::-1] for one in reversed(seen.crossings))
    assert found is not None
    assert {frozenset(one) for one in found.crossings} == {frozenset(one) for one in seen.crossings}
    assert len(found.crossings) == len(seen.crossings)


@pytest.mark.parametrize("crossings", [["Fj"], ["::i"], ["Fj", "Fi", "FFi", "jji"], ["Fi", "ui", "FFi", "uui"]])
def test_other_crossings_are_of_no_schema(crossings: list[str]) -> None:
    assert schema.of(crossings) is None


def test_nested_objects_open_namespaces_by_their_first_letter() -> None:
    event = context({"hour": 1, "user": {"age": 3, "place": {"city": "x"}}}, {"price": 2, "kind": {"k": 1}})
    assert grown(event) == Schema("Fpu", "jk")


def test_what_holds_no_feature_is_no_namespace() -> None:
    assert grown(context({"user": {}, "odd": {"x": []}}, {"price": 1})) == Schema("", "j")


@pytest.mark.parametrize("name", [":x", "|x", "~x", "é", "-q"])
def test_a_name_that_means_something_to_vw_is_not_crossed(name: str) -> None:
    assert grown(context({"a": 1, name: {"b": 2}}, {"price": 1})) == Schema("F", "j")


def test_rare_namespaces_are_not_crossed_and_known_ones_stay() -> None:
    usual, rare = context({"a": 1}, {"x": 1}), context({"a": 1, "zoo": {"b": 1}}, {"x": 1})
    assert grown(*[usual] * 100, rare) == Schema("F", "j")
    assert grown(*[usual] * 99, rare) == Schema("Fz", "j")
    assert grown(usual, known=Schema("Fz", "jk")) == Schema("Fz", "jk")


def test_the_most_frequent_of_many_are_crossed() -> None:
    many = {name * 2: {"x": 1} for name in "abcdefghklmnopqrst"}
    few = context({name: many[name] for name in list(many)[:5]}, {})
    found = grown(context(many, many), *[few] * 3)
    assert len(found.context) == MOST_CONTEXT
    assert len(found.action) == MOST_ACTION
    assert set("abcde") <= set(found.context)


def test_crossings_that_cost_too_much_are_left_out() -> None:
    wide = {name * 2: {f"{name}{one}": 1 for one in range(900)} for name in "abcdef"}
    event = context(wide, *[{"x": 1}] * 50)
    found = grown(event)
    assert 0 < len(found.context) < 6
    assert schema._units(found.crossings, event) < MOST


def test_vw_takes_every_letter_that_it_may_be_told() -> None:
    for letter in sorted(schema._TELLABLE - {"i"}):
        arguments = f"--cb_explore_adf --json --quiet {Schema(letter, 'j').arguments}"
        workspace = vowpalwabbit.Workspace(arguments)
        event = json.dumps({letter: {"x": 1}, "_multi": [{"i": {"id": "a"}, "j": {"y": 1}}] * 2})
        assert len(workspace.predict(event)) == 2
        workspace.finish()
