"""When loops train, which of them together, and how far a run reaches."""

import msgspec
import pytest

from shared.loops.blob_names import run_name
from shared.loops.checkpoint import LONGEST_RUN_MS, Checkpoint, Plan
from shared.loops.config import LoopConfig
from shared.training.planning import is_due, realigned, together


@pytest.mark.parametrize(
    ("last", "now", "due"), [(0, 1e9, True), (59, 60, True), (60, 119, False), (60, 120, True), (119, 121, True)]
)
def test_loops_of_the_same_interval_are_due_together(last: float, now: float, due: bool) -> None:
    assert is_due(last, 60, now) == due


def test_loops_go_together_that_read_alike() -> None:
    config, other = LoopConfig(), LoopConfig(wait=1.0)
    one, near, far = Checkpoint(cut=5), Checkpoint(cut=6), Checkpoint(cut=5 + LONGEST_RUN_MS)
    assert together(one, config, warm=True) == together(near, config, warm=True)
    assert together(one, config, warm=True) != together(one, other, warm=True)
    assert together(one, config, warm=True) != together(one, config, warm=False)
    assert together(one, config, warm=True) != together(far, config, warm=True)


def test_a_plan_that_was_left_goes_with_the_same_plan_only() -> None:
    config, plan = LoopConfig(), Plan("run", 5, [1], [1], LoopConfig())
    one, other = Checkpoint(plan=plan), Checkpoint(plan=msgspec.structs.replace(plan, observations=[2]))
    assert together(one, config, warm=False) == together(one, config, warm=True)
    assert len({together(state, config, warm=False) for state in (one, other, Checkpoint())}) == 3


def test_positions_are_kept_where_the_hub_goes_on() -> None:
    before = Checkpoint(interactions=[5, -1], observations=[3, 4], observed=[9, 4])
    assert realigned(before, [8, 0], [9, 4]) == before


def test_new_partitions_begin_at_the_start() -> None:
    after = realigned(Checkpoint(interactions=[5]), [5, 7], [0, -1])
    assert (after.interactions, after.observations, after.observed) == ([5, -1], [-1, -1], [-1, -1])


def test_a_hub_that_was_made_anew_is_read_from_its_start() -> None:
    before = Checkpoint(interactions=[500, 20], observations=[400, 10], observed=[450, 12])
    after = realigned(before, [3, 20], [0, 12])
    assert (after.interactions, after.observations, after.observed) == ([-1, 20], [-1, 10], [-1, 12])


def test_names_of_runs_sort_by_time() -> None:
    cuts = [0, 999, 1_000, 1_795_327_172_029, 1_795_327_172_030]
    assert [run_name(cut) for cut in cuts] == sorted(run_name(cut) for cut in cuts)
    assert run_name(1_795_327_172_029) == "20261122T055932029Z"
