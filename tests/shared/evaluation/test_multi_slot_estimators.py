"""Estimators for decisions of several slots."""

import pytest
from harness.known_answers import ANSWERS

from shared.evaluation.estimators.ips import Ips
from shared.evaluation.event import Event
from shared.evaluation.intervals.beta import share_interval
from shared.evaluation.intervals.interval import Interval
from shared.evaluation.multi_slot.pdis_cressie_read import PdisCressieRead
from shared.evaluation.multi_slot.pseudo_inverse import PseudoInverse

LOG = ANSWERS["slots_200"]
SLOTS = [([e / p for p, e in zip(p_log, p_eval, strict=True)], r) for p_log, p_eval, r in LOG["events"]]


def test_estimates_are_those_known() -> None:
    sums, slots, first = PseudoInverse(), PdisCressieRead(), Ips()
    for weights, rewards in SLOTS:
        sums.add(weights, sum(rewards))
        slots.add(weights, rewards)
        first.add(Event(weights[0], rewards[0]))
    points = [sums.get(), first.get(), slots.overall(), *slots.get()]
    assert points == pytest.approx(LOG["points"], rel=1e-9)
    assert sums.interval() == pytest.approx(LOG["pseudo_inverse_interval"], abs=1e-6)
    ends = [end for interval in slots.intervals_per_event(Interval(0, 1)) for end in interval or ()]
    assert ends == pytest.approx([end for known in LOG["slot_intervals"] for end in known], abs=1e-6)


def test_parts_add_up_to_the_whole_also_where_events_have_other_numbers_of_slots() -> None:
    whole, left, right = PdisCressieRead(), PdisCressieRead(), PdisCressieRead()
    for place, (weights, rewards) in enumerate(SLOTS):
        count = 1 + place % 3
        whole.add(weights[:count], rewards[:count])
        (left if place < 1 else right).add(weights[:count], rewards[:count])
    assert (left + right).get() == whole.get()
    assert (right + left).overall() == whole.overall()


def test_a_slot_of_some_events_earns_in_an_event_its_share_of_what_it_earns_where_it_is() -> None:
    slots = PdisCressieRead()
    for place, (weights, rewards) in enumerate(SLOTS):
        count = 1 + place % 2
        slots.add(weights[:count], rewards[:count])
    given, per_event = slots.intervals(Interval(0, 1))[1], slots.intervals_per_event(Interval(0, 1))[1]
    assert given is not None
    assert per_event is not None
    assert per_event == pytest.approx((given.lower * 0.4286584, given.upper * 0.5713416), abs=1e-5)
    assert share_interval(0, 10).upper == pytest.approx(1 - 0.025 ** (1 / 10))


def test_without_data_there_is_nothing() -> None:
    assert PseudoInverse().get() is PseudoInverse().interval() is PdisCressieRead().overall() is None
    assert PdisCressieRead().get() == PdisCressieRead().intervals(Interval(0, 1)) == []
