"""Whether rewards have fallen: calm loops are left alone, falls are found, day and night are told from a fall."""

import math
import random
from collections.abc import Callable

import pytest

from shared.loops.gathering import Gatherer
from shared.loops.summary import DAY_MS, HOUR_MS, Summary
from shared.monitoring import reward_drop

Reward = Callable[[int, random.Random], float]


def loop(seed: int, days: range, by_hour: Callable[[int], int], reward: Reward, count: float = 1.0) -> Summary:
    """So many decisions in each hour of some days, each with what it earned. Both get the hour of the day."""
    chance, gatherer = random.Random(seed), Gatherer()
    for hour in range(days.start * 24, days.stop * 24):
        for _ in range(by_hour(hour % 24)):
            at = hour * HOUR_MS + chance.randrange(HOUR_MS)
            earned = reward(hour % 24, chance)
            gatherer.show(at, 0, earned, [0.8, 0.2], [1, 2], "a", count=count)
    return gatherer.finished().rolled_up(HOUR_MS)


def coin(share: float) -> Reward:
    return lambda hour, chance: float(chance.random() < share)


def night(hour: int) -> bool:
    return hour < 8


def test_a_fall_by_half_is_critical_and_the_figures_are_those_of_the_textbook() -> None:
    before, recent = loop(1, range(7), lambda _: 40, coin(0.4)), loop(2, range(7, 8), lambda _: 40, coin(0.2))
    found = reward_drop.change(recent, before)
    assert found is not None
    assert found.grade == "critical"
    assert (found.decisions, found.recent) == (960, recent.served().r.units / recent.served().n.units)
    means = [float(one.served().r) / float(one.served().n) for one in (recent, before)]
    assert found.difference == pytest.approx(means[0] - means[1])
    variance = sum(mean * (1 - mean) * n for mean, n in zip(means, (960, 6720), strict=True)) / 7680
    error = math.sqrt(variance * (1 / 960 + 1 / 6720))
    assert found.upper == pytest.approx(found.difference + 3.09 * error, abs=0.002)


def test_a_small_fall_of_many_decisions_is_a_warning() -> None:
    before, recent = loop(1, range(7), lambda _: 400, coin(0.4)), loop(2, range(7, 8), lambda _: 400, coin(0.36))
    found = reward_drop.change(recent, before)
    assert found is not None
    assert found.grade == "warning"


@pytest.mark.parametrize(("decisions", "earlier"), [(499, 5000), (5000, 499), (0, 5000), (0, 0)])
def test_too_few_decisions_are_not_judged(decisions: int, earlier: int) -> None:
    recent, before = loop(1, range(1), lambda hour: decisions * (hour == 5), coin(0.1)), Summary(span=HOUR_MS)
    before.merge(loop(2, range(1), lambda hour: earlier * (hour == 5), coin(0.9)))
    assert reward_drop.change(recent, before) is None


def test_hours_of_the_day_that_one_period_lacks_are_left_out() -> None:
    before = loop(1, range(7), lambda _: 100, lambda hour, chance: coin(0.1 if night(hour) else 0.5)(hour, chance))
    nights = loop(2, range(7, 8), lambda hour: 100 * night(hour), coin(0.1))
    found = reward_drop.change(nights, before)
    assert found is not None
    assert found.grade == "ok"
    assert found.before == pytest.approx(0.1, abs=0.02)
    days = loop(3, range(7), lambda hour: 100 * (not night(hour)), coin(0.5))
    assert reward_drop.change(nights, days) is None


def test_more_traffic_at_night_is_no_fall() -> None:
    def reward(hour: int, chance: random.Random) -> float:
        return coin(0.1 if night(hour) else 0.5)(hour, chance)

    before = loop(1, range(7), lambda hour: 50 if night(hour) else 100, reward)
    found = reward_drop.change(loop(2, range(7, 8), lambda hour: 300 if night(hour) else 100, reward), before)
    assert found is not None
    assert found.grade == "ok"


def test_decisions_that_stand_for_several_count_as_often_and_are_no_more_certain() -> None:
    whole = loop(1, range(7), lambda _: 40, coin(0.4)), loop(2, range(7, 8), lambda _: 40, coin(0.3))
    halved = loop(1, range(7), lambda _: 40, coin(0.4), 2.0), loop(2, range(7, 8), lambda _: 40, coin(0.3), 2.0)
    one, other = reward_drop.change(whole[1], whole[0]), reward_drop.change(halved[1], halved[0])
    assert one is not None
    assert other is not None
    assert other.decisions == 2 * one.decisions
    assert other.upper == pytest.approx(one.upper, abs=1e-4)


def test_equal_rewards_have_not_fallen() -> None:
    same = [loop(seed, range(7), lambda _: 40, lambda hour, chance: 0.0) for seed in (1, 2)]
    found = reward_drop.change(*same)
    assert found is not None
    assert (found.grade, found.upper) == ("ok", 0.0)


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_calm_loops_ring_as_seldom_as_the_level_says(share: float) -> None:
    """Of 1,000 loops, one is expected; with rare rewards, fewer."""
    chance, rung = random.Random(3), 0
    for _ in range(1000):
        recent, before = (sum(chance.random() < share for _ in range(n)) for n in (600, 4200))
        found = reward_drop.change(_counted(600, recent), _counted(4200, before))
        assert found is not None
        rung += found.grade != "ok"
    assert rung <= 5


def _counted(n: int, earned: int) -> Summary:
    """Decisions of one hour, of which some have earned 1."""
    made = Summary(span=HOUR_MS)
    sums = made.sums(DAY_MS, 0, "online")
    for name, value in {"n": n, "ww": n, "w": n, "r": earned, "rr": earned}.items():
        getattr(sums, name).add(float(value))
    return made
