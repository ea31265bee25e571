"""Joined multi-slot lines, as the contract has them and as VW reads them."""

import json
from pathlib import Path
from typing import Any

import pytest
import vowpalwabbit
from harness import learning
from harness.learning import PLAIN, train
from harness.slots import CONFIG, body, chosen, decide, interaction, lines, reward

from shared.hubs.events import Observation
from shared.joined_log.joined_lines import Joined, join_line, relabelled
from shared.loops.apprentice import Lesson
from shared.loops.config import LoopConfig
from shared.rank.slots_ranking import SlotsDecision, answer
from shared.vw import policy
from shared.vw.dsjson import of_kind
from shared.vw.model import Model

ACTIVATION = Observation(v=1, loop="default", id="e", at="", kind="activation", nonce="n")


def joined(*observations: Observation, deferred: bool = False, **config: Any) -> Joined:
    config_changed = LoopConfig(policy=CONFIG.policy, **config)
    return join_line(interaction(decide(body(eventId="e")), deferred=deferred), 0, observations, config_changed)


def test_a_line_has_the_members_of_the_service() -> None:
    made = joined(reward("e", "side", 0.5))
    line = json.loads(made.line)
    assert (made.rewarded, made.skipped, made.rewards) == (True, False, [0.0, 0.5])
    assert joined(reward("e", "top", 0.5)).rewards == [0.5, 0.0]
    decision = decide(body(eventId="e"))
    costs, observed = [0.0, -0.5], [[], [{"v": 0.5, "EventId": "e", "ActionTaken": False, "SlotId": "side"}]]
    assert line == {
        "Timestamp": "1970-01-01T00:00:00.000Z",
        "Version": "1",
        "EventId": "e",
        "c": json.loads(decision.context),
        "_outcomes": [
            {
                "_label_cost": cost,
                "_id": slot.id,
                "_a": ranking.order,
                "_p": ranking.probabilities,
                "_o": outcomes,
                "_original_label_cost": cost,
            }
            for slot, ranking, cost, outcomes in zip(decision.slots, decision.rankings, costs, observed, strict=True)
        ],
        "VWState": {"m": "N/A"},
        "_ba": [0, 1],
    }


def test_a_reward_that_names_no_slot_of_its_event_rewards_nothing() -> None:
    made = joined(reward("e", "elsewhere", 0.5))
    assert (made.rewarded, costs(made)) == (False, [0.0, 0.0])


def costs(made: Joined) -> list[float]:
    return [outcome["_label_cost"] for outcome in json.loads(made.line)["_outcomes"]]


def test_each_slot_has_its_rewards_aggregated_or_the_default() -> None:
    rewards = [reward("e", "top", value) for value in (0.25, 0.5)]
    assert costs(joined(*rewards, aggregation="sum", default_reward=0.125)) == [-0.75, -0.125]
    assert costs(joined(*rewards)) == [-0.25, 0.0]
    assert costs(joined(default_reward=-0.5)) == [0.5, 0.5]


@pytest.mark.parametrize("slot", ["nowhere", None])
def test_a_reward_that_names_no_slot_of_the_event_is_kept_and_counts_for_none(slot: str | None) -> None:
    made = joined(reward("e", slot, 1.0))
    assert costs(made) == [0.0, 0.0]
    assert [one["v"] for one in json.loads(made.line)["o"]] == [1.0]


def test_deferred_and_never_activated_is_not_learned_in_any_slot() -> None:
    for observations, skipped in (((), True), ((reward("e", "top", 1.0),), True), ((ACTIVATION,), False)):
        made = joined(*observations, deferred=True)
        assert (made.skipped, json.loads(made.line).get("_skipLearn", False)) == (skipped, skipped)


def labels(line: bytes) -> list[tuple[float, list[tuple[int, float]], list[int]]]:
    """By slot, what VW reads: the cost, actions with their probabilities, and the actions it may have got."""
    workspace = vowpalwabbit.Workspace(arg_list=["--ccb_explore_adf", "--dsjson", "--quiet"])
    examples = workspace.parse(line.decode().rstrip("\n"))
    read = [one.get_label(vowpalwabbit.LabelType.CONDITIONAL_CONTEXTUAL_BANDIT) for one in examples]
    workspace.finish_example(examples)
    slots = [one for one in read if one.outcome is not None]
    found = [
        (
            one.outcome.cost,
            [(pair.action, pair.score) for pair in one.outcome.action_probs],
            list(one.explicit_included_actions),
        )
        for one in slots
    ]
    workspace.finish()
    return found


def test_vw_reads_costs_actions_probabilities_and_exclusions_of_the_line() -> None:
    made = joined(reward("e", "top", 1.0), reward("e", "side", -0.5), ACTIVATION, deferred=True)
    expected = [list(zip(*ranking, strict=True)) for ranking in decide(body(eventId="e")).rankings]
    top, side = labels(made.line)
    assert (top[0], side[0]) == (-1.0, 0.5)
    for read, ranking in ((top, expected[0]), (side, expected[1])):
        assert [action for action, _ in read[1]] == [action for action, _ in ranking]
        assert [score for _, score in read[1]] == pytest.approx([probability for _, probability in ranking])
    assert (top[2], side[2]) == ([], [0, 1, 3])


def test_vw_learns_what_the_trainer_learns_and_skips_what_is_marked(tmp_path: Path) -> None:
    """The native driver on the same file, with and without lines that it is told to skip."""
    skipped = joined(reward("e", "top", 1.0), deferred=True).line
    learner = train(tmp_path / "own", lines(50), policy=policy.MULTI_SLOT_ARGUMENTS)
    data, model = tmp_path / "lines.dsjson", tmp_path / "model.vw"
    data.write_bytes(b"".join(one for line in lines(50) for one in (line, skipped)))
    options = ["-d", str(data), "--dsjson", "--save_resume", "--preserve_performance_counters", "--quiet"]
    vowpalwabbit.Workspace(arg_list=[*policy.MULTI_SLOT_ARGUMENTS.split(), *options, "-f", str(model)]).finish()
    assert model.read_bytes()[-2_000:] == learner.model.read_bytes()[-2_000:]
    assert model.stat().st_size > 2_000


def test_a_model_that_goes_on_learning_is_that_of_one_pass(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", lines(60), policy=policy.MULTI_SLOT_ARGUMENTS)
    first = train(tmp_path / "first", lines(60)[:25], policy=policy.MULTI_SLOT_ARGUMENTS)
    second = train(tmp_path / "second", lines(60)[25:], first.model, policy=policy.MULTI_SLOT_ARGUMENTS)
    assert whole.model.read_bytes()[-2_000:] == second.model.read_bytes()[-2_000:]


def test_a_learner_is_given_the_lines_of_its_kind_alone(tmp_path: Path) -> None:
    single, multi = [learning.rewarded(learning.decide(one)) for one in PLAIN[:3]], lines(3)
    mixed = [one for pair in zip(single, multi, strict=True) for one in pair]
    assert of_kind(b"".join(mixed), multi_slot=False) == b"".join(single)
    assert of_kind(b"".join(mixed), multi_slot=True) == b"".join(multi)
    assert Model("single", train(tmp_path / "single", mixed).predict).multi_slot is False
    learner = train(tmp_path / "multi", mixed, policy=policy.MULTI_SLOT_ARGUMENTS)
    assert Model("multi", learner.predict).multi_slot is True


def test_an_event_of_the_other_kind_is_logged_and_counted_as_skipped() -> None:
    foreign = join_line(interaction(decide(body(eventId="e"))), 0, [], LoopConfig())
    own = learning.interaction(learning.decide(PLAIN[0]))
    for made in (foreign, join_line(own, 0, [], CONFIG)):
        assert (made.foreign, made.skipped) == (True, False)
        assert b"_skipLearn" not in made.line


def answered(decision: SlotsDecision) -> list[str]:
    return [slot["rewardActionId"] for slot in json.loads(answer(decision))["slots"]]


def test_an_apprentice_answers_the_baselines_and_learns_each_slots(tmp_path: Path) -> None:
    decisions = [decide(body(eventId=f"e{number}"), mode="Apprentice") for number in range(300)]
    assert all(answered(decision) == ["a", "b"] for decision in decisions)
    assert len({tuple(chosen(decision)) for decision in decisions}) > 2  # what the model would have drawn
    config = LoopConfig(policy=CONFIG.policy)
    taught = [join_line(interaction(one), 0, [reward(one.event_id, "top", 0.5)], config) for one in decisions]
    for decision, made in zip(decisions, taught, strict=True):
        line = json.loads(made.line)
        assert line["LearningMode"] == "Apprentice"
        matches = [drawn == baseline for drawn, baseline in zip(chosen(decision), "ab", strict=True)]
        assert [outcome["_label_cost"] for outcome in line["_outcomes"]] == [-float(match) for match in matches]
        assert made.lesson == Lesson(matches[0], 0.5)
    model = Model("m", train(tmp_path, [made.line for made in taught], policy=CONFIG.policy.arguments).predict)
    after = [decide(body(eventId=f"f{number}"), model) for number in range(100)]
    assert sum(chosen(one) == ["a", "b"] for one in after) > 60


def test_a_loop_that_only_logs_answers_the_baselines_and_learns_nothing() -> None:
    decision = decide(body(eventId="e"), mode="LoggingOnly")
    assert answered(decision) == ["a", "b"]
    made = join_line(interaction(decision), 0, [], LoopConfig(policy=CONFIG.policy))
    assert (made.logged, json.loads(made.line)["_skipLearn"]) == (True, True)


def test_other_reward_settings_make_other_costs() -> None:
    line = joined(reward("e", "side", 0.5), reward("e", "side", 0.25)).line
    after = relabelled(line, LoopConfig(policy=CONFIG.policy, aggregation="sum", default_reward=-1.0))
    expected = joined(reward("e", "side", 0.5), reward("e", "side", 0.25), aggregation="sum", default_reward=-1.0).line
    assert after == expected != line


def test_what_an_apprentice_imitated_stays_its_label() -> None:
    decision = decide(body(eventId="e"), mode="Apprentice")
    before, after = (LoopConfig(policy=CONFIG.policy, default_reward=one) for one in (0.0, 1.0))
    line = join_line(interaction(decision), 0, [], before).line
    assert relabelled(line, after) == join_line(interaction(decision), 0, [], after).line != line
