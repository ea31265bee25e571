"""Contexts with commands to VW, or what it cannot read: cleaned or refused; no line of a log stops training."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from harness.exports import context, line, slots_line
from harness.learning import train

from migration import decisions
from migration.decisions import Unusable
from shared.vw.model import Model
from shared.vw.policy import HISTORIC_ARGUMENTS

NIGHT = context("night")
FIRST, *OTHERS = NIGHT["_multi"]
SLOTS = [{"_id": "one", "sj": [{"size": "big"}]}, {"_id": "two", "sj": [{"size": "small"}]}]
ANY: list[Any] = ["x", "0:1:.5", 5, -1, [0], ["a"], [1, "NaN"], [{"a": 1}], {}, {"x": 1}, True, None]
COMMANDS = ["_label", "_label_cost", "_labelIndex", "_inc", "_multi", "_slots", "_text", "_tag", "__aid", "_id"]
COMMANDS += ["_size", "_slot_id", "_outcomes", "_p", "_a", "_o", "_type", "_unknown"]
NUMBERS = [{"y": [1, "NaN"]}, {"y": []}, {"y": [[1]]}, {"_multi": [{"a": 1}]}, {"_slots": []}, [{"a": [{"b": 1}]}]]


def single() -> list[str]:
    contexts = [NIGHT | {"_multi": [FIRST | {name: value}, *OTHERS]} for name in COMMANDS for value in ANY]
    contexts += [{name: value} | NIGHT for name in COMMANDS for value in ANY]
    contexts += [{"x": value} | NIGHT for value in NUMBERS]
    given = [json.dumps(line(30, c=one, EventId=f"e{number}")) for number, one in enumerate(contexts)]
    return [*given, json.dumps(line(30, EventId="d")).replace('"_multi":', '"_multi":[],"_multi":', 1)]


def several() -> list[str]:
    given: list[dict[str, Any]] = [
        NIGHT | {"_slots": [SLOTS[0] | {name: value}, SLOTS[1]]} for name in COMMANDS for value in ANY
    ]
    given += [NIGHT | {"_slots": [SLOTS[0] | {"_inc": value}, SLOTS[1]]} for value in ([], [99], [1.5], ["0"], [1, 2])]
    given += [{"_slots": SLOTS} | NIGHT, NIGHT | {"_slots": [{"sj": [{"a": 1}]}] * 2}]
    return [json.dumps(slots_line(30, c=one, EventId=f"e{number}")) for number, one in enumerate(given)]


def taken(lines: list[str], *, multi_slot: bool) -> list[bytes]:
    kept = []
    for one in lines:
        try:
            kept.append(decisions.read(one.encode(), multi_slot).line + b"\n")
        except Unusable:
            continue
    return kept


def test_odd_contexts_do_not_stop_training(tmp_path: Path) -> None:
    lines = taken(single(), multi_slot=False)
    assert len(lines) > 200
    model = Model("learned", train(tmp_path / "learned", lines).predict)
    for one in lines:
        event = msgspec.json.decode(one)
        assert sum(model.predict(msgspec.json.encode(event["c"]), len(event["a"]))) == pytest.approx(1, abs=1e-4)


def test_odd_slots_do_not_stop_training(tmp_path: Path) -> None:
    lines = taken(several(), multi_slot=True)
    assert len(lines) > 100
    policy = HISTORIC_ARGUMENTS.replace("--cb_explore_adf", "--ccb_explore_adf")
    model = Model("learned", train(tmp_path / "learned", lines, policy=policy).predict)
    for one in lines:
        rankings = model.predict_slots(msgspec.json.encode(msgspec.json.decode(one)["c"]), 2)
        assert [sum(ranking.probabilities) for ranking in rankings] == pytest.approx([1, 1], abs=1e-4)


def test_more_features_than_a_rank_may_have_are_refused() -> None:
    wide = {f"f{number}": number for number in range(20_000)}
    with pytest.raises(Unusable, match="features with their crossings"):
        decisions.read(json.dumps(line(1, c=NIGHT | {"FromUrl": [wide]})).encode(), multi_slot=False)


@pytest.mark.parametrize("name", ["EventId", "p", "a", "pdrop"])
def test_null_is_absent(name: str) -> None:
    decision = decisions.read(json.dumps(line(1, **{name: None})).encode(), multi_slot=False)
    assert json.loads(decision.line).get(name, "absent") is not None
