"""Point estimates: known answers, and what holds for every log."""

from collections.abc import Callable
from typing import Any

import pytest
from harness.known_answers import ANSWERS, EVENTS, LOGS, events_of, of
from hypothesis import given
from hypothesis import strategies as st

from shared.evaluation.estimators.cressie_read import CressieRead
from shared.evaluation.estimators.direct_method import DirectMethod
from shared.evaluation.estimators.doubly_robust import DoublyRobust
from shared.evaluation.estimators.dros import DrOs
from shared.evaluation.estimators.empirical_likelihood import EmpiricalLikelihood
from shared.evaluation.estimators.ips import Ips
from shared.evaluation.estimators.sndr import Sndr
from shared.evaluation.estimators.snips import Snips
from shared.evaluation.estimators.switch_dr import SwitchDr
from shared.evaluation.event import Event, weight_of

MAKERS: dict[str, Callable[[], Any]] = {
    "ips": Ips,
    "snips": Snips,
    "dm": DirectMethod,
    "dr": DoublyRobust,
    "sndr": Sndr,
    "switch_dr_tau2": SwitchDr,
    "dros_lambda10": DrOs,
    "mle": EmpiricalLikelihood,
    "cressieread": CressieRead,
}


@pytest.mark.parametrize("log", LOGS)
def test_estimates_are_those_known(log: str) -> None:
    expected = dict(ANSWERS[log]["points"])
    bounded = expected.pop("cressieread_wmax100")
    events = list(events_of(log))
    assert of(CressieRead, events).get(largest=100) == pytest.approx(bounded, rel=1e-9)
    assert {name: of(MAKERS[name], events).get() for name in expected} == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", MAKERS)
def test_without_data_there_is_no_estimate(name: str) -> None:
    assert MAKERS[name]().get() is None


@pytest.mark.parametrize("name", MAKERS)
@given(events=EVENTS, cut=st.integers(0, 12), order=st.randoms(use_true_random=False))
def test_any_cut_and_any_order_give_the_same_bits(name: str, events: list[Event], cut: int, order: Any) -> None:
    whole = of(MAKERS[name], events).get()
    assert (of(MAKERS[name], events[:cut]) + of(MAKERS[name], events[cut:])).get() == whole
    order.shuffle(events)
    assert of(MAKERS[name], events).get() == whole


@pytest.mark.parametrize("name", ["mle", "cressieread"])
@given(events=EVENTS.filter(bool))
def test_estimates_that_reweight_stay_finite(name: str, events: list[Event]) -> None:
    made = of(MAKERS[name], events)
    for largest in (1.0, 100.0, 1e7, float("inf")):
        assert abs(made.get(0.0, largest)) < 1e9


def test_where_all_weights_are_one_every_estimate_is_the_mean() -> None:
    events = [Event(1.0, reward) for reward in (0.0, 1.0, 1.0, 0.5)]
    for name in ("ips", "snips", "sndr", "mle"):
        assert of(MAKERS[name], events).get() == pytest.approx(0.625)
    assert of(CressieRead, events).get(1.0, 1.0) == pytest.approx(0.625)


def test_parts_with_other_parameters_are_not_added() -> None:
    with pytest.raises(ValueError, match="different tau"):
        SwitchDr() + SwitchDr(tau=3.0)


def test_a_probability_that_makes_no_weight_makes_none() -> None:
    assert weight_of(0.5, 0.25) == 2
    assert weight_of(0.0, -0.5) is None
    for p_log in (None, 0.0, -0.5, float("nan"), 5e-324):
        assert weight_of(0.5, p_log) is None
