"""The bound is compared with what Vowpal Wabbit itself counts."""

import json
from typing import Any

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
objects = st.dictionaries(st.sampled_from(["a", "b", "F", "j", "x1", "x2", "x3"]), st.just(1.5), min_size=1)
features = st.dictionaries(st.sampled_from(["p", "q", "r", "Fx", "jx"]), st.just(0.5) | objects, min_size=1)


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
    multi = [{"i": {"constant": 1, "id": str(place)}, "j": [action]} for place, action in enumerate(actions)]
    bound = cost.cost_of(f"--cb_explore_adf {arguments}")
    context = cost.sizes([shared], ord("F"))
    each = [cost.sizes(one["j"], ord("j")) + cost.sizes(one["i"], ord("i")) for one in multi]
    exact = bound.exactly(context, each)
    assert exact >= generated(arguments, {"FromUrl": [shared], "_multi": multi})
    assert bound.of(json.dumps({"FromUrl": [shared], "_multi": multi}).encode(), len(multi)) >= exact


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
