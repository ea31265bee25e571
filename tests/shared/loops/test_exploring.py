"""The least exploration by design: the figures of the policies whose formula is known."""

import math
from datetime import UTC, datetime

import pytest

from shared.loops import exploring
from shared.loops.artifacts import Artifact
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig, Policy
from shared.loops.counts import Counts
from shared.loops.exploring import Exploring
from shared.loops.model_records import ModelRecord, Past
from shared.vw.experience import Experience
from shared.vw.policy import DEFAULT_ARGUMENTS, EARLIER_ARGUMENTS
from shared.vw.schedule import Fall, Schedule
from shared.vw.schema import Schema

NOW = datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000


def config(arguments: str, share: float = 0.2) -> LoopConfig:
    return LoopConfig(policy=Policy("p", arguments), exploration=share)


def model(learned: int, since: int = 0, fall: Fall | None = None) -> Checkpoint:
    past = Past(Schema(), Experience(Schedule(learned=learned, since=since, fall=fall)))
    artifact = Artifact("v", "")
    return Checkpoint(
        model=ModelRecord("v", artifact, artifact, "2026-01-01T00:00:00Z", "", learned=learned, past=past)
    )


@pytest.mark.parametrize(("learned", "least"), [(10_000, 0.011), (100_000, 0.0035), (1_000_000, 0.0011)])
def test_a_settled_default_loop_explores_little_by_design(learned: int, least: float) -> None:
    found = exploring.of(config(DEFAULT_ARGUMENTS), model(learned), NOW)
    assert found.least({10: 1}, 0.1) == pytest.approx(least, rel=0.05)


def test_epsilon_gives_its_share_and_the_setting_counts() -> None:
    found = exploring.of(config("--cb_explore_adf --epsilon 0.5", 0.1), Checkpoint(), NOW)
    assert found.least({10: 1}, 1.0) == pytest.approx(0.1 * 10 / 9)
    p = [0.9 + 0.01, *([0.01] * 9)]
    assert found.least({10: 5}, 1.0) == pytest.approx(100 / sum(1 / one for one in p), rel=0.03)


def test_of_decisions_with_few_and_many_actions_it_is_the_harmonic_mean() -> None:
    found = Exploring(0.1, is_even=True)
    two, ten = found.least({2: 1}, 1.0), found.least({10: 1}, 1.0)
    assert two is not None
    assert ten is not None
    assert found.least({1: 50, 2: 3, 10: 1}, 1.0) == pytest.approx(4 / (3 / two + 1 / ten))
    assert found.least({1: 50}, 1.0) is None


def test_squarecb_is_capped_and_its_gamma_grows_with_what_was_learned() -> None:
    early = exploring.of(config(EARLIER_ARGUMENTS), Checkpoint(counts=Counts(learned=100)), NOW)
    assert early.gamma == pytest.approx(30 * math.sqrt(100))
    assert early._replace(gamma=0.0).least({10: 1}, 1.0) == pytest.approx(0.2 * (10 / 9) ** 2)
    steep = config("--cb_explore_adf --squarecb --gamma_exponent 1")
    assert exploring.of(steep, Checkpoint(counts=Counts(learned=50)), NOW).gamma == pytest.approx(500)


def test_a_young_model_explores_more_and_one_that_explores_anew_had_settled() -> None:
    assert exploring.of(config(DEFAULT_ARGUMENTS), model(400), NOW).gamma == pytest.approx(10 * 20)
    fall = Fall(10_000, "2026-02-28T12:00:00Z", 0.1, 0.2)
    anew = model(10_100, 10_000, fall)
    day, hour = (exploring.of(config(DEFAULT_ARGUMENTS), anew, NOW - back) for back in (86_400_000, 3_600_000))
    assert day.gamma == pytest.approx(100 * math.sqrt(10_100))
    assert hour.gamma == pytest.approx(10 * 10)


def test_of_other_policies_the_least_is_not_known() -> None:
    for arguments in (
        "--cb_explore_adf --bag 5",
        "--cb_explore_adf --softmax --lambda 5",
        "--cb_explore_adf --first 10",
    ):
        assert exploring.of(config(arguments), Checkpoint(), NOW).least({10: 1}, 1.0) is None


def test_when_the_configuration_was_changed_is_said() -> None:
    found = exploring.of(LoopConfig(edited="2026-03-01T00:00:00Z"), Checkpoint(), NOW)
    assert found.edited == NOW
