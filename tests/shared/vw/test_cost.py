"""The bound is compared with what Vowpal Wabbit itself counts."""

import json
import random
from typing import Any

import msgspec
import pytest
import vowpalwabbit
from hypothesis import given
from hypothesis import strategies as st

from shared.vw import cost

POLICIES = [
    "-q ::",
    "--cubic ::i",
    "--cubic :::",
    "-q Fj",
    "-q ij -q Fi",
    "--interactions Fij",
    "-q :: --cubic FFj",
    "",
]
inner = st.sampled_from(["a", "b", "F", "j", "i", "item", "x1", "x2", "x3"])
objects = st.dictionaries(inner, st.just(1.5), min_size=1)
outer = st.sampled_from(["p", "q", "r", "Fx", "jx", "i", "item"])
features = st.dictionaries(outer, st.just(0.5) | objects, min_size=1)


def generated(arguments: str, context: dict[str, Any]) -> int:
    """How many features VW has computed with, over all actions."""
    options = ["--cb_explore_adf", "--json", "--quiet", "--noconstant", *arguments.split()]
    workspace = vowpalwabbit.Workspace(arg_list=options)
    examples = workspace.parse(json.dumps(context))
    workspace.predict(examples)
    counted = sum(example.get_feature_number() for example in examples[1:])
    workspace.finish_example(examples)
    workspace.finish()
    return counted


@pytest.mark.parametrize("arguments", POLICIES)
@given(shared=features, actions=st.lists(features, min_size=1, max_size=4))
def test_it_is_never_less_than_what_vw_computes(
    arguments: str, shared: dict[str, Any], actions: list[dict[str, Any]]
) -> None:
    multi = [
        {"_tag": str(place), "i": {"constant": 1, "id": str(place)}, "j": [action]}
        for place, action in enumerate(actions)
    ]
    bound = cost.cost_of(f"--cb_explore_adf {arguments}")
    context = cost.sizes([shared], ord("F"))
    each = [cost.sizes(one["j"], ord("j")) + cost.sizes(one["i"], ord("i")) for one in multi]
    exact = bound.exactly(context, each)
    whole = {"FromUrl": [shared], "_multi": multi}
    counted = generated(arguments, whole)
    assert exact >= counted
    for encoded in (msgspec.json.encode(whole), json.dumps(whole).encode()):
        assert bound.of(encoded, len(multi)) >= counted


@pytest.mark.parametrize("name", ["item", "i", 'i"'])
@pytest.mark.parametrize("where", ["FromUrl", "j"])
def test_features_in_the_namespace_of_the_identities_are_not_taken_for_identities(name: str, where: str) -> None:
    many = {name: dict.fromkeys([f"f{number}" for number in range(1000)], 1)}
    action = {"_tag": "a", "i": {"constant": 1, "id": "a"}, "j": [many if where == "j" else {"x": 1}]}
    context = msgspec.json.encode({"FromUrl": [many if where == "FromUrl" else {"x": 1}], "_multi": [action]})
    escaped = context.replace(b'"item"', b'"\\u0069tem"')
    bound = cost.cost_of("--cb_explore_adf --cubic ::i")
    assert not bound.is_cheap(context, 1)
    assert bound.of(context, 1) == bound.of(escaped, 1) > 1000**3 / 6
    plain = context.replace(msgspec.json.encode(name) + b':{"f0"', b'"user":{"f0"')
    assert bound.is_cheap(plain, 1)
    assert bound.of(plain, 1) < cost.CHEAP


def test_texts_that_look_like_names_are_none() -> None:
    """The work stays in proportion to their length: if each quote of this one were followed, it would take minutes."""
    text = '"i\\' * 60_000
    action = {"_tag": "a", "i": {"constant": 1, "id": "a"}, "j": [{"x": text, "y": "i", "z": '"item":{'}]}
    bound = cost.cost_of("--cb_explore_adf --cubic ::i")
    plain = {"_tag": "a", "i": {"constant": 1, "id": "a"}, "j": [{"x": "u", "y": "u", "z": "u"}]}
    found, expected = (bound.of(msgspec.json.encode({"FromUrl": [], "_multi": [one]}), 1) for one in (action, plain))
    assert found == expected


def test_it_is_not_much_more_where_there_are_many_features() -> None:
    """VW leaves out some crossings of a feature with itself."""
    names = [f"name{number}" for number in range(40)]
    context = {"FromUrl": [dict.fromkeys(names, 2.5)], "_multi": [{"j": [dict.fromkeys(names, 3.5)]}]}
    for arguments in ("-q ::", "--cubic :::", "-q Fj", "--cubic FFj"):
        bound = cost.cost_of(f"--cb_explore_adf {arguments}")
        assert bound.exactly({ord("F"): 40}, [{ord("j"): 40}]) < 1.1 * generated(arguments, context)


@pytest.mark.parametrize(
    ("arguments", "models"), [("-q ::", 1), ("--bag 8", 8), ("--cover 8", 16), ("--rnd=4", 8), ("--bag 2 --rnd 2", 8)]
)
def test_every_model_counts(arguments: str, models: int) -> None:
    assert cost.cost_of(f"--cb_explore_adf {arguments}").models == models


def test_the_same_crossing_counts_once() -> None:
    assert cost.cost_of("--cb_explore_adf -q ij -q ji --interactions ij").crossings == ((105, 106),)


def test_every_slot_counts() -> None:
    bound = cost.cost_of("--ccb_explore_adf -q ::")
    one, two = (bound.exactly({70: 10}, [{106: 5}], [{115: 1}] * slots) for slots in (1, 2))
    assert two == 2 * one


def test_a_dear_context_is_counted_by_its_namespaces() -> None:
    names = [f"name{number}" for number in range(3000)]
    context = {"FromUrl": [dict.fromkeys(names, 2.5)], "_multi": [{"_tag": "a", "j": [{"x": 1}]}] * 2}
    body = json.dumps(context).encode()
    plain, wild = (cost.cost_of(f"--cb_explore_adf -q {one}").of(body, 2) for one in ("Fj", "::"))
    assert plain == 2 * (3001 + 3000)
    assert wild == 2 * (3001 + 3001 * 3002 // 2)


def slow_glance(bound: cost.Cost, context: bytes, count: int, slots: int) -> int:
    """`Cost.glance` as it is defined: each action, in each slot, with all commas that it might be between."""
    actions = max(context.find(b'"_multi"'), 0)
    end = context.rfind(b'"_slots"') if bound.multi_slot else len(context)
    end = end if end > actions else len(context)
    shared = context[:actions].count(b",") + 1
    ours = b'"i":{"constant":1,"id":'
    is_ours = context.count(ours) == count and b'"\\u' not in context and context.count(b'"i') == 2 * count
    is_ours &= any(ord("i") in crossing for crossing in bound.crossings)

    def sizes(part: bytes, mark: bytes, number: int) -> list[int]:
        pieces = part.split(mark)[1:]
        commas = [one.count(b",") for one in pieces] if len(pieces) == number else [part.count(b",")]
        return [one + 1 for one in commas] + [1] * (number - len(commas))

    own = sizes(context[actions:end], b'"_tag"', count)
    slotted = sizes(context[end:], b'"_id"', slots) if bound.multi_slot else [0]
    return sum(bound._wild(shared + one + other, 2 if is_ours else None) for one in own for other in slotted)


@pytest.mark.parametrize(
    "arguments", ["--cb_explore_adf --cubic ::i", "--cb_explore_adf -q ::", "--ccb_explore_adf -q ::"]
)
def test_a_glance_is_the_sum_over_all_actions_and_slots(arguments: str) -> None:
    chance, bound = random.Random(1), cost.cost_of(arguments)
    names = (b'"_multi"', b'"_tag"', b'"_slots"', b'"_id"', b'"i":{"constant":1,"id":', b'"\\u0069"', b"\\", b'"other"')
    for _ in range(3_000):
        context = b"".join(chance.choice(names) + b"," * chance.randrange(4) for _ in range(chance.randrange(25)))
        count, slots = chance.randint(1, 4), chance.randint(1, 3)
        assert bound.glance(context, count, slots) == slow_glance(bound, context, count, slots), context


@pytest.mark.parametrize("arguments", ["--cb_explore_adf --cubic ::i", "--cb_explore_adf -q ::", "--cb_explore_adf"])
def test_a_rough_bound_is_never_less_than_a_glance(arguments: str) -> None:
    chance, bound, known = random.Random(2), cost.cost_of(arguments), 0
    names = (b'"_multi"', b'"_tag"', b'"i":{"constant":1,"id":', b'"other"')
    for _ in range(3_000):
        parts = [chance.choice(names) + b"," * chance.randrange(9) for _ in range(chance.randrange(25))]
        context, count = b"".join(parts), chance.randint(1, 4)
        rough = bound.roughly(context, count)
        if rough is not None:
            known += 1
            assert bound.glance(context, count) <= rough <= cost.PLAIN
    assert known > 100
