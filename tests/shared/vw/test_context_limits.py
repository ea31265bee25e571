"""The inclusions of a slot, wherever in it they are: as VW reads them."""

import json
from collections.abc import Iterator
from typing import Any

import pylibvw
import pytest
import vowpalwabbit

from shared.vw.context_limits import BadContext, check_choice, included

COUNT = 4


@pytest.fixture(scope="module")
def workspace() -> Iterator[vowpalwabbit.Workspace]:
    made = vowpalwabbit.Workspace(arg_list=["--ccb_explore_adf", "--json", "--quiet", "--epsilon", "0.2"])
    yield made
    made.finish()


def read_by_vw(workspace: Any, slot: dict[str, Any]) -> set[int]:
    """The actions that VW may give to the slot."""
    actions = [{"j": [{"number": str(number)}]} for number in range(COUNT)]
    examples = workspace._parse(json.dumps({"FromUrl": [{"x": 1}], "_multi": actions, "_slots": [slot]}))
    try:
        pylibvw.vw.predict_multi(workspace, examples)
        return {action for action, _ in examples[0].get_decision_scores()[0]}
    finally:
        pylibvw.vw._finish_example_multi_ex(workspace, examples)


@pytest.mark.parametrize(
    "slot",
    [
        {"sj": [{"size": "L"}]},
        {"_inc": [0, 3], "sj": [{"size": "L"}]},
        {"sj": [{"size": "L"}, {"_inc": [0]}]},
        {"sj": [{"_inc": [0.0, 2]}, {"size": "L"}]},
        {"sj": {"_inc": [1]}},
        {"sj": [{"deep": {"deeper": {"_inc": [3]}}}]},
        {"sj": [{"list": [{"_inc": [2]}]}]},
        {"_inc": [0], "sj": [{"_inc": [1]}, {"_inc": [1, 2]}]},
        {"sj": [{"_unknown": [{"_inc": [2]}]}], "_other": {"_inc": [1]}},
    ],
)
def test_a_slot_may_get_what_vw_would_give_it(workspace: vowpalwabbit.Workspace, slot: dict[str, Any]) -> None:
    found = included(slot, COUNT)
    assert set(found.get("_inc", range(COUNT))) == read_by_vw(workspace, slot)
    assert read_by_vw(workspace, {"sj": [{"size": "L"}]} | found) == read_by_vw(workspace, slot)


@pytest.mark.parametrize("numbers", [[], [COUNT], [-1], [0.5], ["0"], "0", {"0": 1}, None, [None]])
def test_what_is_no_inclusion_is_refused_at_any_depth(numbers: Any) -> None:
    for slot in ({"_inc": numbers}, {"sj": [{"x": 1}, {"inner": {"_inc": numbers}}]}):
        with pytest.raises(BadContext, match="0-based numbers"):
            included(slot, COUNT)


@pytest.mark.parametrize(("ids", "says"), [(["top", "side"], "before 'side' may"), ([None, None], "before slot 2 may")])
def test_a_slot_without_an_id_is_called_by_its_number(ids: list[str | None], says: str) -> None:
    with pytest.raises(BadContext, match=says):
        check_choice([{"_inc": [0]}, {"_inc": [0]}], ids, COUNT)
