"""A race: who goes on, what the grid of candidates has, and that what does not depend on the action wins nothing."""

import itertools

import pytest

from shared.admin import policy_check
from shared.evaluation import grid, plan, units
from shared.evaluation.columns import total
from shared.evaluation.halving import Race, value
from shared.evaluation.part import Judged, Part, Unit
from shared.evaluation.plan import FINALISTS, Candidate, Plan, Stretch
from shared.loops.policy_sums import PolicySums
from shared.vw.schema import Schema

FIVE = 300_000
NAMES = [f"Hyper{number}" for number in range(1, 17)]


def part(unit: Unit, value: float) -> Part:
    n = 100.0
    sums = PolicySums(
        n=total([n]), w=total([n]), ww=total([n * 2]), wr=total([n * value]), wwr=total([2 * n * value]),
        wwrr=total([2 * n * value]), r=total([n / 2]), least=0.0, largest=10.0, seen=10.0, lowest=0.0, highest=1.0,
    )  # fmt: skip
    return Part(unit, {unit.policy: Judged(sums)})


def raced(lost: str = "") -> tuple[Plan, dict[Unit, Part]]:
    """A race to its end: the higher the number, the better, but in the first turn, in which it is the other way."""
    candidates = [Candidate(name, "--cb_explore_adf", 0.2) for name in [*NAMES, "mine"]]
    each = [Stretch(number * FIVE, (number + 1) * FIVE, 100) for number in range(5)]
    made = Plan(candidates, each, held_out=3, race=NAMES)
    done: dict[Unit, Part] = {}
    failed = [lost] if lost else []
    while waiting := units.ready(made, done, failed):
        unit = waiting[-1]
        number = NAMES.index(unit.policy) if unit.policy in NAMES else 0
        done[unit] = part(unit, 0.5 + (number if unit.stretch else 0) / 100)
    return made, done


def test_the_better_half_goes_on_and_the_finalists_are_worked_to_the_end() -> None:
    made, done = raced()
    worked = [{unit.policy for unit in done if unit.stretch == number} & set(NAMES) for number in range(5)]
    assert [len(one) for one in worked] == [16, 8, 4, FINALISTS, FINALISTS]
    assert [made.racing(number) for number in range(5)] == [16, 8, 4, FINALISTS, FINALISTS]
    assert Race(made, done).going_on(3) == ["Hyper8", "Hyper7", "Hyper6"]  # of those that the first turn left
    assert {Unit("mine", number) for number in range(5)} <= done.keys()
    assert made.work == sum(100 for _ in done)


def test_a_candidate_that_fails_is_out_and_holds_nobody_up() -> None:
    made, done = raced(lost="Hyper8")
    assert Race(made, done, ["Hyper8"]).going_on(3) == ["Hyper9", "Hyper7", "Hyper6"]


@pytest.mark.parametrize(("tried", "worth"), [(1.0, 0.9), (0.5, 0.47), (0.99, 0.9)])
def test_what_the_log_never_tried_is_taken_to_earn_nothing(tried: float, worth: float) -> None:
    """A candidate that does as the log did in some events, which earned .9, and something else in the others."""
    n = 1_000.0
    same = n * tried
    sums = PolicySums(
        n=total([n]), w=total([same]), ww=total([same]), wr=total([same * 0.9]), wwr=total([same * 0.9]),
        wwrr=total([same * 0.9]), r=total([n * 0.9]), least=0.0, largest=1000.0, seen=1.0, lowest=0.0, highest=1.0,
    )  # fmt: skip
    found = {Unit("x", number): Part(Unit("x", number), {"x": Judged(sums)}) for number in range(2)}
    assert value(found, "x", 2) == pytest.approx(worth, abs=0.02)


def test_turns_are_of_growing_size_and_half_of_the_log_is_held_out() -> None:
    counts = {number * FIVE: 100 for number in range(800)}
    found, held_out = plan.turns(counts)
    assert sum(one.events for one in found) == 80_000
    assert [one.events for one in found[:held_out]] == [5_000, 5_000, 10_000, 20_000]
    assert sum(one.events for one in found[held_out:]) == 40_000
    assert all(one.until <= later.since for one, later in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("counts", "held_out"),
    [({0: 100}, 0), ({0: 24, FIVE: 25}, 0), ({0: 25, FIVE: 25}, 1), ({0: 90, FIVE: 5, 9 * FIVE: 5}, 1)],
)
def test_short_logs_still_hold_out_what_they_can(counts: dict[int, int], held_out: int) -> None:
    found, number = plan.turns(counts)
    assert number == held_out
    assert sum(one.events for one in found) == sum(counts.values())


async def test_the_grid_has_the_crossings_of_the_log_and_nothing_the_service_would_refuse() -> None:
    found = grid.candidates(Schema("Fg", "j"), 0.1)
    assert len({one.arguments for one in found}) == len({one.name for one in found}) == len(found) == 60
    assert {one.arguments.partition("--cb_type ")[2][:3] for one in found} == {"mtr", "ips", "dr "}
    assert any("-q Fi -q gi -q Fj -q gj" in one.arguments for one in found)
    for one in found:
        assert policy_check.allowed(one.arguments)
    assert len(grid.candidates(Schema("", "j"), 0.1)) < 60
