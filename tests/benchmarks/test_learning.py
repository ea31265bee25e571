"""The learning benchmark: its verdict follows the gains, and the default policy deserves it."""

import pytest

from benchmarks.learning import WORLDS, Comparison, main, report, spread
from shared.vw.policy import DEFAULT_ARGUMENTS, HISTORIC_ARGUMENTS
from simulator.newsroom import DRIFT
from simulator.offline import Outcome, play
from simulator.scenario import Scenario

GOOD = [Outcome(served, uniform=0.2, optimal=0.8) for served in (0.5, 0.6)]
POOR = [Outcome(served, uniform=0.2, optimal=0.8) for served in (0.3, 0.2)]


def test_the_default_must_win_in_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    won, lost = (
        Comparison("one", {"historic": POOR, "default": GOOD}),
        Comparison("two", {"historic": GOOD, "default": POOR}),
    )
    assert report([won])
    assert not report([won, lost])
    name, *figures = capsys.readouterr().out.splitlines()[1].replace("±", "").split()
    assert name == "one"
    assert [float(figure) for figure in figures] == [0.08, 0.08, 0.58, 0.08, 0.5, 0.17]


def test_spread_is_mean_and_standard_error() -> None:
    assert spread([0.1, 0.2, 0.3, 0.4]) == "0.25 ± 0.06"


def test_a_small_run_covers_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--events", "600", "--seeds", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[5:-2]] == [scenario.name for scenario in WORLDS]


# Where tastes turn round all the time, whoever learns nothing fast loses nothing.
@pytest.mark.parametrize("scenario", [one for one in WORLDS if one is not DRIFT], ids=lambda scenario: scenario.name)
def test_the_default_policy_learns_faster_than_the_historic_one(scenario: Scenario) -> None:
    default, historic = (
        play(scenario, policy, seed=1, events=4_000) for policy in (DEFAULT_ARGUMENTS, HISTORIC_ARGUMENTS)
    )
    assert default.optimal == historic.optimal
    assert default.gain > historic.gain + 0.05
