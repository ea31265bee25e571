"""What the learning modes answer and what they log."""

import json
import subprocess
import sys
from typing import Any

import pytest
from harness.learning import decide, interaction
from harness.system import PROJECT

from shared.loops.config import LoopConfig
from shared.rank import ranking
from shared.vw.model import Model

ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in "abcd"]
IDS = [str(number) for number in range(50)]


def ranked(event_id: str, mode: Any, excluded: list[str], model: Model | None = None) -> tuple[dict[str, Any], Any]:
    """The answer and the logged event."""
    body = {"eventId": event_id, "actions": ACTIONS, "excludedActions": excluded}
    decision = decide(body, model, LoopConfig(mode=mode))
    return json.loads(ranking.answer(decision)), interaction(decision)


@pytest.mark.parametrize("mode", ["Apprentice", "LoggingOnly"])
def test_the_baseline_is_the_first_action_that_is_not_excluded(mode: str) -> None:
    for event_id in IDS:
        answer, _ = ranked(event_id, mode, ["a", "c"])
        assert answer["rewardActionId"] == "b"
        assert [tuple(one.values()) for one in answer["ranking"]] == [("a", 0.0), ("b", 1.0), ("c", 0.0), ("d", 0.0)]


@pytest.mark.parametrize("excluded", [["a"], ["c", "a"], ["b", "c"], ["d"], ["a", "b", "d"], ["nobody"], []])
def test_excluded_actions_keep_their_places_in_the_ranking_and_are_not_logged(excluded: list[str]) -> None:
    for event_id in IDS:
        answer, logged = ranked(event_id, "Online", excluded)
        places = {place: one["id"] for place, one in enumerate(answer["ranking"]) if one["id"] in excluded}
        assert places == {place: one for place, one in enumerate("abcd") if one in excluded}
        drawn = [one for one in answer["ranking"] if one["id"] not in excluded]
        candidates = [one for one in "abcd" if one not in excluded]
        assert [one["id"] for one in drawn] == [candidates[number - 1] for number in logged.a]
        assert [one["probability"] for one in drawn] == logged.p
        assert answer["rewardActionId"] == drawn[0]["id"]
        assert all(one["probability"] == 0 for one in answer["ranking"] if one["id"] in excluded)


def test_an_apprentice_logs_what_the_model_would_have_drawn_online() -> None:
    for event_id in IDS:
        answer, logged = ranked(event_id, "Apprentice", [])
        _, online = ranked(event_id, "Online", [])
        assert (logged.a, logged.p, logged.model) == (online.a, online.p, online.model)
        assert (logged.mode, online.mode) == ("Apprentice", "Online")
        assert answer["rewardActionId"] == "a"
    assert {ranked(event_id, "Apprentice", [])[1].a[0] for event_id in IDS} == {1, 2, 3, 4}


def test_logging_only_logs_what_it_answers() -> None:
    for event_id in IDS:
        _, logged = ranked(event_id, "LoggingOnly", ["a"])
        assert (logged.a, logged.p, logged.model, logged.mode) == ([1, 2, 3], [1.0, 0.0, 0.0], "N/A", "LoggingOnly")


def test_explanations_are_not_even_imported_unless_asked_for() -> None:
    program = "import sys, function_app; sys.exit('shared.rank.explanation' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True)
