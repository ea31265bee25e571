"""Joined lines, as the contract has them and as VW reads them."""

import json
from typing import Any

import pytest
import vowpalwabbit
from harness.learning import PLAIN, decide, interaction

from shared.hubs.events import Observation
from shared.joined_log.joined_lines import Joined, join_line, relabelled, timestamp
from shared.loops.config import LoopConfig

AT, OBSERVED = 1_700_000_000_123, "2023-11-14T22:13:21.000Z"


def observation(kind: Any, value: float | None = None) -> Observation:
    return Observation(v=1, loop="default", id="e", at=OBSERVED, kind=kind, nonce="n", value=value)


def joined(*observations: Observation, deferred: bool = False, **config: Any) -> Joined:
    decision = decide(PLAIN[0] | {"eventId": "e"})
    return join_line(interaction(decision, deferred=deferred), AT, observations, LoopConfig(**config))


def test_a_rewarded_line_has_the_members_of_the_service() -> None:
    line = json.loads(joined(observation("reward", 0.5)).line)
    chosen = line["a"][0]
    assert line == {
        "_label_cost": -0.5,
        "_label_probability": pytest.approx(1 / 3),
        "_label_Action": chosen,
        "_labelIndex": chosen - 1,
        "Timestamp": "2023-11-14T22:13:20.123Z",
        "Version": "1",
        "EventId": "e",
        "a": line["a"],
        "c": {
            "FromUrl": [{"time": "morning"}],
            "_multi": [{"_tag": one, "i": {"constant": 1, "id": one}, "j": [{"kind": one}]} for one in "abc"],
        },
        "p": [pytest.approx(1 / 3)] * 3,
        "VWState": {"m": "N/A"},
        "_original_label_cost": -0.5,
        "o": [{"v": 0.5, "EventId": "e", "ActionTaken": False, "at": OBSERVED}],
    }
    assert sorted(line["a"]) == [1, 2, 3]


def test_without_a_reward_the_default_counts_and_no_outcome_is_written() -> None:
    made = joined(default_reward=0.25)
    line = json.loads(made.line)
    assert line["_label_cost"] == -0.25
    assert "o" not in line
    assert (made.rewarded, made.skipped) == (False, False)


def test_no_reward_costs_zero_not_minus_zero() -> None:
    assert b'"_label_cost":0.0' in joined().line


def test_rewards_are_aggregated_and_all_are_written() -> None:
    rewards = [observation("reward", value) for value in (0.5, -0.25, 1.0)]
    line = json.loads(joined(*rewards, aggregation="sum").line)
    assert line["_label_cost"] == -1.25
    assert [outcome["v"] for outcome in line["o"]] == [0.5, -0.25, 1.0]


@pytest.mark.parametrize(
    ("deferred", "kinds", "skipped"),
    [
        (True, [], True),
        (True, ["reward"], True),
        (True, ["activation"], False),
        (True, ["reward", "activation"], False),
        (False, ["reward"], False),
        (False, ["activation"], False),
    ],
)
def test_deferred_and_never_activated_is_not_learned(deferred: bool, kinds: list[str], skipped: bool) -> None:
    made = joined(*(observation(kind, 1.0 if kind == "reward" else None) for kind in kinds), deferred=deferred)
    line = json.loads(made.line)
    assert (made.skipped, line.get("_skipLearn", False)) == (skipped, skipped)
    assert made.rewarded == ("reward" in kinds)
    assert [outcome["ActionTaken"] for outcome in line.get("o", [])] == [kind == "activation" for kind in kinds]


def test_vw_reads_cost_probability_and_action_of_the_line() -> None:
    made = joined(observation("reward", 0.5))
    line = json.loads(made.line)
    workspace = vowpalwabbit.Workspace(arg_list=["--cb_explore_adf", "--dsjson", "--quiet"])
    examples = workspace.parse(made.line.decode().rstrip("\n"))
    assert len(examples) == 4, "the shared example and three actions"
    label = examples[line["_label_Action"]].get_label(vowpalwabbit.LabelType.CONTEXTUAL_BANDIT)
    assert [(one.cost, one.probability) for one in label.costs] == [(-0.5, pytest.approx(1 / 3))]
    workspace.finish_example(examples)
    workspace.finish()


def test_timestamps() -> None:
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"


def test_lines_are_relabelled_as_if_they_had_been_joined_with_other_settings() -> None:
    cases = [
        (),
        (observation("reward", 0.5), observation("reward", 1.0)),
        (observation("activation"), observation("reward", 0.25)),
        (observation("activation"),),
    ]
    changed = {"aggregation": "sum", "default_reward": 0.75}
    for deferred in (False, True):
        before, after = (
            b"".join(joined(*one, deferred=deferred, **config).line for one in cases) for config in ({}, changed)
        )
        assert relabelled(before, LoopConfig(**changed)) == after != before
        assert relabelled(after, LoopConfig(**changed)) == after


def test_lines_that_are_not_ours_are_left_as_they_are() -> None:
    lines = b'{"_outcomes":[{"_label_cost":-1}]}\nno JSON\n'
    assert relabelled(lines, LoopConfig(default_reward=1.0)) == lines
