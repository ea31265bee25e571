"""When a policy explores much, and what it serves then."""

import random

import pytest
import vowpalwabbit

from shared.vw.sampling import cap_exploration
from shared.vw.schedule import BLOCK, SETTLES, Schedule, sharpened

EVENT = '{"_multi":[{"i":{"id":"a"}},{"i":{"id":"b"}},{"i":{"id":"c"}}]}'


def run(rewards: list[float], schedule: Schedule | None = None) -> Schedule:
    schedule = schedule or Schedule()
    for number, reward in enumerate(rewards):
        if schedule.add(reward):
            schedule.close(f"at {number + 1}")
    return schedule


def drawn(seed: int, mean: float, count: int) -> list[float]:
    random_ = random.Random(seed)
    return [float(random_.random() < mean) for _ in range(count)]


@pytest.mark.parametrize(
    ("learned", "since", "sharpness"),
    [(0, 0, 1 / 3), (400, 0, 1 / 3), (999, 0, 1 / 3), (1_000, 0, 10 / 3), (4_000, 3_001, 0.0), (4_000, 3_000, 5 / 3)],
)
def test_exploration_begins_wide_and_settles(learned: int, since: int, sharpness: float) -> None:
    assert Schedule(learned, since).sharpness == pytest.approx(sharpness, rel=1e-3)


@pytest.mark.parametrize("factor", [0.25, 1.0, 4.0])
def test_it_is_what_squarecb_gives_with_another_gamma(factor: float) -> None:
    served = []
    for scale in (10, 10 * factor):
        workspace = vowpalwabbit.Workspace(f"--cb_explore_adf --squarecb --gamma_scale {scale} --json --quiet")
        for action, cost in [(0, -1), (1, 0), (2, -0.5), (0, -1)] * 20:
            labelled = f'{{"_label_cost":{cost},"_label_probability":1,"_labelIndex":{action},{EVENT[1:]}'
            workspace.learn(labelled)
        served.append(workspace.predict(EVENT))
        workspace.finish()
    assert sharpened(served[0], factor) == pytest.approx(served[1], rel=1e-4)


def test_what_is_served_is_a_distribution_even_of_certainty() -> None:
    for pmf in ([1.0], [0.0, 1.0], [0.5, 0.5], [1e-12, 1 - 1e-12]):
        for sharpness in (0.0, 1 / 3, 100.0):
            assert sum(sharpened(pmf, sharpness)) == pytest.approx(1)
            assert all(0 <= one <= 1 for one in cap_exploration(sharpened(pmf, sharpness), 0.2))
    assert sharpened([0.1, 0.2, 0.7], 0.0) == pytest.approx([1 / 3] * 3)


def test_it_is_the_same_in_whatever_parts_events_come() -> None:
    rewards = drawn(1, 0.5, 3_000) + drawn(2, 0.2, 1_500)
    parts = Schedule()
    for start in range(0, len(rewards), 37):
        run(rewards[start : start + 37], parts)
    whole = run(rewards)
    assert (parts.learned, parts.since, parts.sharpness) == (whole.learned, whole.since, whole.sharpness)
    assert parts.usual == whole.usual
    assert parts.best == whole.best


@pytest.mark.parametrize("seed", range(10))
def test_an_abrupt_fall_begins_exploration_anew_with_the_first_block_behind_it(seed: int) -> None:
    schedule = run(drawn(seed, 0.6, 3_000) + drawn(seed + 100, 0.2, BLOCK))
    assert schedule.fall is not None
    assert (schedule.since, schedule.fall.learned) == (3_200, 3_200)
    assert schedule.fall.before == pytest.approx(0.6, abs=0.05)
    assert schedule.fall.mean == pytest.approx(0.2, abs=0.1)


@pytest.mark.parametrize("seed", range(10))
def test_a_slow_fall_is_seen_too(seed: int) -> None:
    rewards = [one for step in range(40) for one in drawn(100 * seed + step, 0.5 - 0.005 * step, 250)]
    assert run(rewards).fall is not None


@pytest.mark.parametrize("mean", [0.02, 0.3, 0.9])
def test_steady_rewards_hardly_ever_ring(mean: float) -> None:
    falls = [run(drawn(seed, mean, 20_000)).fall for seed in range(20)]
    assert sum(fall is not None for fall in falls) <= 1


def test_of_few_events_nothing_is_concluded() -> None:
    assert run(drawn(1, 0.9, 800) + [0.0] * 150).fall is None
    assert run([1.0] * 800 + [0.0] * 200).fall is not None


def test_after_a_fall_what_is_usual_is_learned_anew() -> None:
    schedule = run(drawn(1, 0.8, 2_000) + drawn(2, 0.3, 4_000))
    assert schedule.fall is not None
    assert schedule.fall.learned == 2_200
    assert schedule.usual.mean == pytest.approx(0.3, abs=0.05)
    assert schedule.learned - schedule.since >= SETTLES
