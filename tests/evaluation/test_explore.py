"""The command `explore`: the same log, served with other exploration."""

import json
from pathlib import Path

import pytest
from harness.evaluation import run
from harness.logs import encoded, log

from shared.vw import policy


@pytest.mark.parametrize("arguments", ["--cb_explore_adf --cb_type mtr --epsilon 0.3 -q ::", policy.DEFAULT_ARGUMENTS])
def test_more_exploration_earns_less_and_shows_more(arguments: str, tmp_path: Path) -> None:
    file, found = tmp_path / "log.dsjson", tmp_path / "found.json"
    file.write_bytes(encoded(log(2_000)))
    done = run("explore", "--log", file, "--policy", f"mine={arguments}", "--json", found, "--workers", "2")
    assert done.status == 0, done.stderr
    explored = json.loads(found.read_bytes())
    assert [one["exploration"] for one in explored] == [0.01, 0.05, 0.1, 0.2, 0.5]
    least, most = explored[0], explored[-1]
    assert least["value"] > most["value"]
    assert all(one["lower"] <= one["value"] <= one["upper"] for one in explored)
    for name in ("BaselineRand", "Baseline1"):
        assert least["needed"][name] > most["needed"][name] > 50
    assert "Same log, other exploration: slower or faster learning is not in it." in done.stdout


def test_decisions_needed_are_those_of_the_probabilities_served(tmp_path: Path) -> None:
    file, found = tmp_path / "log.dsjson", tmp_path / "found.json"
    file.write_bytes(encoded(log(600)))
    uniform = "mine=--cb_explore_adf --cb_type mtr --epsilon 0.3 -l 0"
    done = run("explore", "--log", file, "--policy", uniform, "--json", found, "--workers", "1")
    assert done.status == 0, done.stderr
    # A model that learns nothing has three best actions, and Rank lets no more than the share go to all but the first.
    for one in json.loads(found.read_bytes()):
        share = one["exploration"]
        squares = (1 / (1 - share) + 2 / (share / 2)) / 9
        assert one["needed"]["BaselineRand"] == pytest.approx(50 * squares, rel=1e-3)
        assert one["needed"]["Baseline1"] == pytest.approx(50 / (1 - share), rel=1e-3)


def test_the_best_other_policy_is_told_with_the_decisions_that_judge_it(tmp_path: Path) -> None:
    file, found = tmp_path / "log.dsjson", tmp_path / "found.json"
    file.write_bytes(encoded(log(1_200)))
    given = ["mine=--cb_explore_adf --cb_type mtr --epsilon 0.3 -q ::"]
    given += [
        "worse=--cb_explore_adf --cb_type mtr --epsilon 1",
        "best=--cb_explore_adf --cb_type mtr --epsilon 0.1 -q ::",
    ]
    policies = [word for one in given for word in ("--policy", one)]
    done = run("explore", "--log", file, *policies, "--json", found, "--workers", "2")
    assert done.status == 0, done.stderr
    assert "best is the best other policy: 0." in done.stdout
    explored = json.loads(found.read_bytes())
    assert all(set(one["needed"]) == {"BaselineRand", "Baseline1", "best"} for one in explored)
    # Both mean the same action, the one with .1 spread over three actions and the other with its share of them.
    for one in explored:
        share = one["exploration"]
        best, mine = (0.9 + 0.1 / 3, 0.1 / 3), (1 - share * 2 / 3, share / 3)
        expected = 50 * (best[0] ** 2 / mine[0] + 2 * best[1] ** 2 / mine[1])
        assert one["needed"]["best"] == pytest.approx(expected, rel=0.15)


def test_without_others_the_usual_ones_are_compared(tmp_path: Path) -> None:
    file, found = tmp_path / "log.dsjson", tmp_path / "found.json"
    file.write_bytes(encoded(log(300)))
    done = run("explore", "--log", file, "--policy", "default", "--json", found, "--workers", "1")
    assert done.status == 0, done.stderr
    assert set(json.loads(found.read_bytes())[0]["needed"]) == {"BaselineRand", "Baseline1", "personalizer"}
