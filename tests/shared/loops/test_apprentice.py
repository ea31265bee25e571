"""The count of an apprenticeship, against sums over a plain list, however the runs divide it."""

import json
from typing import Any

import pytest
from harness.learning import PLAIN, decide, interaction
from hypothesis import given
from hypothesis import strategies as st

from shared.hubs.events import Observation
from shared.joined_log.joined_lines import Joined, join_line, relabelled
from shared.loops.apprentice import WINDOW, Apprentice, Lesson, report
from shared.loops.config import LoopConfig

lessons = st.builds(Lesson, st.booleans(), st.floats(-1, 1, width=16))


@given(st.lists(st.lists(lessons, max_size=900), max_size=4))
def test_the_last_thousand_and_all_are_counted_whatever_the_runs(runs: list[list[Lesson]]) -> None:
    apprentice = Apprentice()
    for run in runs:
        apprentice = apprentice.plus(run)
    ledger = [lesson for run in runs for lesson in run]
    made = report(apprentice, "Apprentice")
    for progress, events in ((made.last, ledger[-WINDOW:]), (made.total, ledger)):
        own = [lesson.reward for lesson in events if lesson.matched]
        baseline = sum(lesson.reward for lesson in events)
        assert (progress.events, progress.matched) == (len(events), len(own))
        assert progress.ratio == (pytest.approx(sum(own) / baseline, rel=1e-6) if baseline else None)
        if events:
            assert progress.match_rate == len(own) / len(events)
            assert progress.baseline_reward == pytest.approx(baseline / len(events), abs=1e-9)
            assert progress.own_reward == pytest.approx(sum(own) / len(events), abs=1e-9)
        else:
            assert (progress.match_rate, progress.baseline_reward, progress.own_reward) == (None, None, None)


def joined(mode: Any, chosen: int, reward: float | None, *, deferred: bool = False) -> Joined:
    """The line of an event of PLAIN whose model chose the 1-based action `chosen`."""
    ids = (f"e{number}" for number in range(100))
    made = (interaction(decide(PLAIN[0] | {"eventId": one}), deferred=deferred) for one in ids)
    ranked = next(one for one in made if one.a[0] == chosen)
    ranked.mode = mode
    given = [Observation(v=1, loop="default", id="e", at="", kind="reward", nonce="n", value=reward)]
    return join_line(ranked, 0, given if reward is not None else [], LoopConfig(default_reward=-0.5))


@pytest.mark.parametrize(
    ("mode", "chosen", "reward", "cost"),
    [
        ("Apprentice", 1, 0.25, -1.0),
        ("Apprentice", 1, None, -1.0),
        ("Apprentice", 2, 0.25, 0.0),
        ("Apprentice", 3, None, 0.0),
        ("Online", 1, 0.25, -0.25),
        ("Online", 2, None, 0.5),
        ("LoggingOnly", 1, 0.25, -0.25),
    ],
)
def test_an_event_is_learned_by_the_mode_it_was_ranked_in(
    mode: str, chosen: int, reward: float | None, cost: float
) -> None:
    made = joined(mode, chosen, reward)
    line, earned = json.loads(made.line), -0.5 if reward is None else reward
    assert (line["_label_cost"], line["_original_label_cost"]) == (cost, -earned)
    assert line.get("LearningMode", "Online") == mode
    assert line.get("_skipLearn", False) == (mode == "LoggingOnly") == made.logged
    assert made.lesson == (Lesson(chosen == 1, earned) if mode == "Apprentice" else None)


@pytest.mark.parametrize("mode", ["Apprentice", "LoggingOnly"])
def test_what_was_never_activated_teaches_nothing(mode: str) -> None:
    made = joined(mode, 1, 0.25, deferred=True)
    assert (made.skipped, made.logged, made.lesson) == (True, False, None)


@pytest.mark.parametrize(("mode", "cost"), [("Apprentice", -1.0), ("Online", -0.75), ("LoggingOnly", -0.75)])
def test_other_reward_settings_leave_what_an_apprentice_is_taught(mode: str, cost: float) -> None:
    line = json.loads(relabelled(joined(mode, 1, None).line, LoopConfig(default_reward=0.75)))
    assert (line["_label_cost"], line["_original_label_cost"]) == (cost, -0.75)
    assert line.get("LearningMode", "Online") == mode
