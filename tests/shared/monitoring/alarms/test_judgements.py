"""What alarms cannot judge they say so, and what they need no statistics for they tell at once."""

import random

import pytest
from harness import traffic
from harness.traffic import EPSILON, START, Loop

from shared.loops.config import LearningMode, LoopConfig
from shared.loops.exploring import Exploring
from shared.loops.gathering import Gatherer
from shared.loops.summary import DAY_MS, HOUR_MS, Summary
from shared.monitoring.alarms.catalogue import HOURLY
from shared.monitoring.alarms.judgement import Judgement
from shared.monitoring.alarms.window import Window

SHARE = Exploring(0.2, is_even=True)


def lived(loop: Loop, hours: int, seed: int = 1) -> Summary:
    made, chance = Summary(span=HOUR_MS), random.Random(seed)
    for number in range(hours):
        made.absorb(traffic.hour(loop, number, chance))
    return made


def judged(
    made: Summary, hours: int, mode: LearningMode = "Online", exploring: Exploring = SHARE
) -> dict[str, Judgement]:
    window = Window(made, START + hours * HOUR_MS, LoopConfig(mode=mode), exploring)
    return {alarm.name: judge(window) for alarm, judge in HOURLY.items()}


@pytest.fixture(scope="module")
def nine_days() -> Summary:
    return lived(Loop(), 24 * 9)


def test_nothing_is_judged_of_a_loop_without_decisions() -> None:
    found = judged(Summary(span=HOUR_MS), 48)
    assert {one.state for one in found.values()} == {"unknown"}
    assert all(one.cause for one in found.values())


def test_too_few_decisions_are_not_judged_and_the_number_is_said() -> None:
    found = judged(lived(Loop(daily=300), 24 * 9), 24 * 9)
    assert found["exploration-collapse"].state == found["rewards-missing"].state == "unknown"
    assert "500 are needed" in found["rewards-missing"].cause


@pytest.mark.parametrize("mode", ["Apprentice", "LoggingOnly"])
def test_what_explores_nothing_by_its_mode_is_not_blamed(mode: LearningMode, nine_days: Summary) -> None:
    found = judged(nine_days, 24 * 9, mode)
    for name in ("choices-off", "exploration-collapse", "little-exploration", "one-action", "worse-than-baseline"):
        assert found[name].state == "unknown", name
        assert mode in found[name].cause
    assert found["reward-drop"].state == "ok"


def test_a_policy_that_may_explore_nothing_has_not_collapsed(nine_days: Summary) -> None:
    for exploring in (Exploring(0.0, is_even=True), Exploring(0.2)):
        assert judged(nine_days, 24 * 9, exploring=exploring)["exploration-collapse"].state == "unknown"


def test_what_another_configuration_made_is_not_judged_by_this_one(nine_days: Summary) -> None:
    end = START + 9 * DAY_MS
    for edited, state in ((end - DAY_MS + 1, "unknown"), (end - DAY_MS, "critical")):
        exploring = Exploring(4.0, is_even=True, edited=edited)
        assert judged(nine_days, 24 * 9, exploring=exploring)["exploration-collapse"].state == state


@pytest.mark.parametrize("p", [[0.0, 1.0], [-0.5, 1.5], [0.5, 0.4], [0.7, 0.7]])
def test_one_impossible_probability_is_critical(p: list[float], nine_days: Summary) -> None:
    made, gatherer = Summary(span=HOUR_MS), Gatherer()
    made.merge(nine_days)
    gatherer.show(START + 9 * DAY_MS - 1, 0, 1.0, p, [1, 2], "a")
    made.merge(gatherer.finished())
    assert judged(made, 24 * 9)["choices-off"].state == "critical"
    assert judged(nine_days, 24 * 9)["choices-off"].state == "ok"


def test_one_action_that_pays_is_no_fault() -> None:
    """Nearly always the same action, which earns three times what the baseline does."""
    made, chance = Summary(span=HOUR_MS), random.Random(4)
    for number in range(24 * 9):
        gatherer, at = Gatherer(), START + number * HOUR_MS
        for _ in range(60):
            action = 2 if chance.random() < 0.95 else 1
            reward = float(chance.random() < (0.6 if action == 2 else 0.2))
            gatherer.show(
                at, 0, reward, [0.95, 0.05] if action == 2 else [0.05, 0.95], [action, 3 - action], str(action)
            )
        made.absorb(gatherer.finished().rolled_up(HOUR_MS))
    found = judged(made, 24 * 9)
    assert found["one-action"].state == "ok"
    assert found["worse-than-baseline"].state == "ok"


def test_rewards_that_a_rare_one_of_few_decisions_lacks_are_not_missing() -> None:
    made = lived(Loop(daily=1_000, rewarded=0.002), 24 * 9)
    silent = {at: hour for at, hour in made.hours.items() if at >= START + 8 * DAY_MS}
    for hour in silent.values():
        hour.fates.pop("rewarded", None)
    assert judged(made, 24 * 9)["rewards-missing"].state == "ok"


def test_the_configuration_of_the_harness_is_what_it_is_judged_by() -> None:
    assert EPSILON.policy.parsed.epsilon == EPSILON.exploration == SHARE.share
