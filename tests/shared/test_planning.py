"""How far a training run reaches."""

from shared.checkpoint import Checkpoint
from shared.planning import realigned, run_name


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
