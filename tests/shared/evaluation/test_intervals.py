"""Intervals: known answers, special functions, and what holds for every log."""

import math
import random
from typing import Any

import pytest
from harness.known_answers import ANSWERS, EVENTS, LOGS, events_of, of
from hypothesis import given
from hypothesis import strategies as st

from shared.evaluation.estimators.cressie_read import CressieRead
from shared.evaluation.event import Event
from shared.evaluation.intervals.beta import f_quantile, incomplete_beta
from shared.evaluation.intervals.betting import Betting
from shared.evaluation.intervals.cressie_read import cressie_read
from shared.evaluation.intervals.default import ENOUGH, DefaultInterval
from shared.evaluation.intervals.dr_gaussian import DrGaussian
from shared.evaluation.intervals.gaussian import GaussianIps
from shared.evaluation.intervals.interval import Interval
from shared.evaluation.intervals.snips_delta import SnipsDelta

UNIT = Interval(0.0, 1.0)


@pytest.mark.parametrize("log", LOGS)
def test_intervals_are_those_known(log: str) -> None:
    rewards = Interval(*ANSWERS[log]["rewards"])
    for name, expected in ANSWERS[log]["intervals"].items():
        kind, level = name.split()
        events = list(events_of(log, drop=0.5 if level == "drop" else 0.0))
        alpha = 0.05 if level == "drop" else float(level)
        if kind.startswith("cressieread"):
            largest = 100.0 if kind.endswith("wmax100") else math.inf
            found = cressie_read(of(CressieRead, events), rewards, alpha, largest=largest)
        else:
            makers: dict[str, Any] = {
                "gaussian": GaussianIps,
                "snips_delta": SnipsDelta,
                "dr_gaussian_ddof1": DrGaussian,
            }
            found = of(makers[kind], events).get(alpha)
        assert found == pytest.approx(expected, abs=1e-6), name


@pytest.mark.parametrize(
    ("n", "total", "squares", "expected"),
    [(196, 2.2, 2.424, 0.015529361), (1906, 22.2, 2.484, 0.0015344538)],
)
def test_half_widths_are_those_that_azure_showed(n: int, total: float, squares: float, expected: float) -> None:
    made = GaussianIps()
    made.n.add(float(n))
    made.wr.add(total)
    made.wwrr.add(squares)
    assert made.half_width() == pytest.approx(expected, abs=2e-8)


@pytest.mark.parametrize(
    ("alpha", "n", "expected"),
    [(0.05, 10, 4.964602743730711), (0.1, 1, 39.86345818906144), (0.05, 1, 161.44763879758827)],
)
def test_quantiles_of_f_are_those_of_the_tables(alpha: float, n: float, expected: float) -> None:
    assert f_quantile(alpha, n) == pytest.approx(expected, rel=1e-9)


def test_with_many_events_f_is_the_square_of_a_normal_variable() -> None:
    assert f_quantile(0.05, 1e8) == pytest.approx(1.959963984540054**2, rel=1e-6)


@given(a=st.floats(0.5, 100), b=st.floats(0.5, 100), x=st.floats(0, 1))
def test_the_incomplete_beta_function_is_symmetric_and_a_probability(a: float, b: float, x: float) -> None:
    assert 0 <= incomplete_beta(a, b, x) <= 1 + 1e-12
    assert incomplete_beta(a, b, x) == pytest.approx(1 - incomplete_beta(b, a, 1 - x), abs=1e-9)
    assert incomplete_beta(a, 1, x) == pytest.approx(x**a, abs=1e-9)


@pytest.mark.parametrize("maker", [GaussianIps, SnipsDelta, DrGaussian])
@given(events=EVENTS, cut=st.integers(0, 12))
def test_intervals_of_parts_have_the_bits_of_the_whole(maker: Any, events: list[Event], cut: int) -> None:
    whole = of(maker, events).get()
    assert (of(maker, events[:cut]) + of(maker, events[cut:])).get() == whole
    assert whole is None or whole.lower <= whole.upper


@given(events=EVENTS.filter(bool), largest=st.sampled_from([1.0, 50.0, 1e7, math.inf]))
def test_cressie_read_stays_in_the_range_of_rewards(events: list[Event], largest: float) -> None:
    found = cressie_read(of(CressieRead, events), Interval(-5.0, 5.0), largest=largest)
    assert found is not None
    assert all(-5 <= end <= 5 for end in found)


def test_without_data_there_is_no_interval() -> None:
    assert cressie_read(CressieRead(), UNIT) is None
    assert Betting(UNIT, 10.0).get() is None
    assert DefaultInterval(UNIT, 0.0, 10.0).get() is None


def test_where_all_weights_are_equal_the_default_is_about_that_of_a_mean() -> None:
    drawn, made, plain = random.Random(1), DefaultInterval(UNIT, 1.0, 1.0), GaussianIps()
    for _ in range(2000):
        event = Event(1.0, float(drawn.random() < 0.3))
        made.add(event)
        plain.add(event)
    assert made.get() == pytest.approx(plain.get(), abs=0.002)


def test_rewards_are_common_if_the_policy_earns_them_though_the_log_seldom_does() -> None:
    made = DefaultInterval(UNIT, 0.0, 10.0)
    for place in range(200):
        earned = place % 10 == 0
        made.add(Event(8.0 if earned else 0.2, float(earned)))
    assert made.get() == cressie_read(made.events, UNIT, 0.05, 0.0, 10.0)


def test_the_default_bets_while_rewards_are_rare_and_then_no_more() -> None:
    made, betting = DefaultInterval(UNIT, 0.0, 2.0), Betting(UNIT, 2.0)
    for place in range(ENOUGH * 4):
        event = Event(1.0 + place % 2, float(place % 4 == 0))
        if place == ENOUGH * 4 - 4:
            assert made.get() == betting.get()
        made.add(event)
        betting.add(event)
    assert made.get() == cressie_read(made.events, UNIT, 0.05, 0.0, 2.0)


@given(events=st.lists(st.tuples(st.floats(0, 20), st.floats(0, 1)), min_size=1, max_size=30))
def test_the_betting_interval_holds_what_is_not_rejected(events: list[tuple[float, float]]) -> None:
    made = Betting(UNIT, 20.0)
    for weight, reward in events:
        made.add(Event(weight, reward))
    found = made.get()
    assert found is not None
    assert 0 <= found.lower <= found.upper <= 1
    assert not made.rejects((found.lower + found.upper) / 2)


def test_both_ends_of_the_betting_interval_close_in() -> None:
    made, drawn = Betting(UNIT, 2.0), random.Random(3)
    for _ in range(2000):
        made.add(Event(2.0 * drawn.randrange(2), float(drawn.random() < 0.5)))
    found = made.get()
    assert found is not None
    assert 0.4 < found.lower < 0.5 < found.upper < 0.6
    assert made.rejects(found.lower - 0.01)
    assert not made.rejects(found.lower + 0.001)
    assert not made.rejects(found.upper - 0.001)
    assert made.rejects(found.upper + 0.01)


def test_betting_refuses_what_lies_beyond_the_range_it_was_given() -> None:
    for event in (Event(11.0, 0.5), Event(1.0, 2.0)):
        with pytest.raises(ValueError, match="weights up to"):
            Betting(UNIT, 10.0).add(event)


def test_betting_gives_no_interval_for_a_sub_sampled_log() -> None:
    made, default = Betting(UNIT, 10.0), DefaultInterval(UNIT, 0.0, 10.0)
    for interval in (made, default):
        interval.add(Event(1.0, 1.0, drop=0.5))
    assert made.get() is None
    assert default.get() == cressie_read(default.events, UNIT, 0.05, 0.0, 10.0)
