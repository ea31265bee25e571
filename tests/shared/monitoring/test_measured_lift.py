"""A holdback measures the lift with intervals that hold, also where one key decides about many events."""

import math
import random
from typing import Literal

import pytest

from shared.loops import arm_sums, exploring
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import Holdback, LoopConfig
from shared.loops.exploring import Exploring
from shared.loops.hour_sums import Shown
from shared.loops.summary import HOUR_MS, Summary
from shared.monitoring import holdback
from shared.monitoring.alarms import holdback_split
from shared.monitoring.alarms.window import Window
from shared.monitoring.holdback import Measured

SHARE = 0.2
POLICY, BASELINE = 0.35, 0.25


def summary(seed: int, keys: int, events: int, *, own: float = 0.0, slot: int = 0) -> Summary:
    """Events of keys, whose mean rewards differ by up to `own`; the arms earn POLICY and BASELINE."""
    chance, made = random.Random(seed), Summary()
    shown = made.hour(0).slots.setdefault(slot, Shown())
    for _ in range(keys):
        arm = "baseline" if chance.random() < SHARE else "policy"
        bucket = chance.randrange(100)
        likes = own * (2 * chance.random() - 1)
        for _ in range(events):
            mean = (BASELINE if arm == "baseline" else POLICY) + likes
            arm_sums.of(shown.arms, "now", arm, bucket).add(float(chance.random() < mean))
    return made


def measured(made: Summary) -> Measured:
    found = holdback.measured(made, "now")
    assert found is not None
    return found


def test_the_lift_is_the_difference_of_the_arms() -> None:
    found = measured(summary(1, 4_000, 1))
    assert found.policy.decisions + found.baseline.decisions == 4_000
    assert found.lift.value == found.policy.mean - found.baseline.mean
    for arm in (found.policy, found.baseline):
        own = arm.mean * (1 - arm.mean) / arm.decisions
        assert arm.variance == pytest.approx(own, rel=0.6), "with one event a key, buckets tell the same as events"
        assert arm.rewarded == round(arm.mean * arm.decisions)


def test_other_windows_and_slots_do_not_count_and_hours_add_up() -> None:
    made = summary(1, 500, 1)
    before = measured(made)
    assert holdback.measured(made, "before") is None
    assert holdback.measured(made, "now", slot=1) is None
    arm_sums.of(made.hour(0).slots[0].arms, "before", "baseline", 1).add(1.0)
    assert measured(made) == before
    made.hours[3_600_000] = made.hours[0]
    assert measured(made).policy.decisions == 2 * before.policy.decisions


def test_an_arm_without_decisions_measures_nothing() -> None:
    made = Summary()
    shown = made.hour(0).slots.setdefault(0, Shown())
    arm_sums.of(shown.arms, "now", "policy", 1).add(1.0)
    assert holdback.measured(made, "now") is None


def test_there_is_no_interval_before_25_rewarded_decisions_in_either_arm() -> None:
    for rewarded, is_there in ((24, False), (25, True)):
        made = Summary()
        shown = made.hour(0).slots.setdefault(0, Shown())
        for number in range(400):
            arm_sums.of(shown.arms, "now", "policy", number % 100).add(float(number % 2))
            arm_sums.of(shown.arms, "now", "baseline", number % 100).add(float(number < rewarded))
        assert (measured(made).lift.range() is not None) == is_there


@pytest.mark.parametrize(("keys", "events", "own"), [(3_000, 1, 0.0), (300, 10, 0.2)])
def test_the_interval_holds_and_is_not_much_too_wide(keys: int, events: int, own: float) -> None:
    """Of 150 runs each; with an interval by event, keys that come ten times would be missed far more often."""
    truth, missed, too_narrow = POLICY - BASELINE, 0, 0
    for seed in range(150):
        found = measured(summary(seed, keys, events, own=own))
        interval = found.lift.range()
        assert interval is not None
        missed += interval.excludes(truth)
        variance = found.policy.variance + found.baseline.variance
        too_narrow += abs(found.lift.value - truth) > 1.96 * math.sqrt(variance)
    assert missed <= 8  # 5 % and a little
    assert 1 <= too_narrow <= 17  # some 5 % of an interval for a single look


def test_the_needed_decisions_are_those_of_the_formula() -> None:
    """A reward of .1 whose difference of .01 is to be seen with 5 % held back."""
    deviation = holdback.deviation(1_000, 100, 100)
    assert deviation == pytest.approx(0.3)
    assert holdback.needed(0.05, deviation, 0.01) == pytest.approx(345_000, rel=0.01)
    assert holdback.needed(0.5, deviation, 0.01) < holdback.needed(0.05, deviation, 0.01)
    assert holdback.deviation(0, 0, 0) == 0


def test_the_power_is_what_the_needed_number_promises() -> None:
    """At a difference of .1 with a share of .2."""
    deviation = math.sqrt(POLICY * (1 - POLICY))
    needed = holdback.needed(SHARE, deviation, POLICY - BASELINE)
    seen = 0
    for seed in range(60):
        interval = measured(summary(seed, needed, 1)).lift.range()
        seen += interval is not None and interval.lower > 0
    assert seen / 60 > 0.65


def test_the_relative_lift_is_that_of_the_means_and_missing_where_the_baseline_may_earn_nothing() -> None:
    found = measured(summary(1, 4_000, 1)).lift
    assert found.relative is not None
    assert found.relative.value == pytest.approx(found.value / found.baseline)
    assert found.relative.lower < found.relative.value < found.relative.upper
    few = measured(summary(3, 130, 1)).lift
    assert few.relative is None


def test_a_lift_is_measured_once_there_is_an_interval_and_estimated_before() -> None:
    made = summary(1, 4_000, 1)
    found = holdback.lift_of(made, Holdback(SHARE, "now"))
    assert found is not None
    assert (found.is_measured, found) == (True, measured(made).lift)
    for none in (None, Holdback(SHARE, "another")):
        assert holdback.lift_of(made, none) is None  # there is nothing by which the log could tell


def window(made: Summary, share: float = SHARE, mode: Literal["Online", "Apprentice"] = "Online") -> Window:
    return Window(made, HOUR_MS, mode, Exploring(), Holdback(share, "now"))


def test_a_split_as_configured_is_well_and_another_one_is_critical() -> None:
    calm = [holdback_split.judge(window(summary(seed, 600, 10))).state for seed in range(60)]
    assert set(calm) == {"ok"}
    off = holdback_split.judge(window(summary(1, 6_000, 1), share=SHARE + 0.05))
    assert off.state == "critical"
    assert "25.00% expected" in off.cause
    assert holdback_split.judge(window(summary(1, 400, 1))).state == "unknown"
    assert holdback_split.judge(window(summary(1, 6_000, 1), mode="Apprentice")).state == "unknown"
    assert holdback_split.judge(Window(summary(1, 6_000, 1), HOUR_MS, "Online", Exploring())).state == "unknown"


def test_what_is_held_back_explores_nothing_by_design() -> None:
    even = Exploring(0.2, is_even=True)
    least = even.least({10: 100}, 1.0)
    assert least is not None
    assert even._replace(held=0.25).least({10: 100}, 1.0) == pytest.approx(0.75 * least)
    assert even._replace(held=1.0).least({10: 100}, 1.0) is None
    assert exploring.of(LoopConfig(holdback=Holdback(0.25, "now")), Checkpoint(), 0).held == 0.25
