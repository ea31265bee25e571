"""Stretches of a log, and which units can be worked on."""

import itertools

import pytest

from shared.evaluation import plan, units
from shared.evaluation.part import Part, Unit
from shared.evaluation.plan import Candidate, Plan, Stretch
from shared.evaluation.single_action import Sums, Tally
from shared.loops.exact_sum import ExactSum

HOUR_MS = 3_600_000


def part(unit: Unit, tally: Tally | None = None) -> Part:
    return Part(unit, {}, tally=tally)


def tally(worth: float) -> Tally:
    d, dd = ExactSum(), ExactSum()
    for _ in range(50):
        d.add(worth)
        dd.add(worth * worth)
    return Tally(50, {"b": Sums(d, dd)})


def made(stretches: int = 3, held_out: int = 1) -> Plan:
    each = [Stretch(number * HOUR_MS, (number + 1) * HOUR_MS, 100) for number in range(stretches)]
    return Plan([Candidate("x", "--cb_explore_adf", 0.2)], each, held_out=held_out)


def test_a_learning_policy_goes_stretch_by_stretch_and_the_log_in_any_order() -> None:
    todo, done = made(held_out=0), dict[Unit, Part]()
    assert units.ready(todo, done) == [Unit("x", 0), Unit("", 0), Unit("", 1), Unit("", 2)]
    done[Unit("x", 0)] = part(Unit("x", 0))
    done[Unit("", 1)] = part(Unit("", 1))
    assert units.ready(todo, done) == [Unit("x", 1), Unit("", 0), Unit("", 2)]
    assert units.ready(todo, done, failed=["x"]) == [Unit("", 0), Unit("", 2)]


def test_what_is_held_out_waits_for_the_single_action_that_it_judges() -> None:
    todo, done = made(), dict[Unit, Part]()
    assert units.ready(todo, done) == [Unit("x", 0), Unit("", 0)]
    done[Unit("", 0)] = part(Unit("", 0), tally(1.0))
    assert units.ready(todo, done) == [Unit("x", 0), Unit("", 1), Unit("", 2)]
    assert units.single_action(todo, done) == "b"
    while waiting := units.ready(todo, done):
        done[waiting[0]] = part(waiting[0])
    assert len(done) == 6
    assert todo.work == 100 * 3 * 2


def test_stretches_are_whole_hours_with_all_events() -> None:
    hours = {number * HOUR_MS: 1_000 for number in range(300)}
    found = plan.stretches(hours, HOUR_MS)
    assert sum(one.events for one in found) == 300_000
    assert len(found) <= plan.MOST_STRETCHES
    assert all(one.until <= after.since for one, after in itertools.pairwise(found))
    assert (found[0].since, found[-1].until) == (0, 300 * HOUR_MS)
    assert plan.half(found) == pytest.approx(len(found) / 2, abs=1)


@pytest.mark.parametrize("hours", [{0: 1}, {0: 5, HOUR_MS: 5}, {0: 1, 9 * HOUR_MS: 1, 99 * HOUR_MS: 1}])
def test_short_logs_have_at_most_two_stretches(hours: dict[int, int]) -> None:
    found = plan.stretches(hours, HOUR_MS)
    assert sum(one.events for one in found) == sum(hours.values())
    assert 1 <= len(found) <= 3
    assert plan.half(found) < len(found)
    assert plan.stretches({}) == []
