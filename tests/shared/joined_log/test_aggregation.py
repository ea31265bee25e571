import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.joined_log.aggregation import aggregate
from shared.loops.config import Aggregation

REWARDS = [0.5, -1.0, 0.25, 1.0]


@pytest.mark.parametrize(
    ("how", "expected"),
    [("earliest", 0.5), ("average", 0.1875), ("median", 0.375), ("sum", 0.75), ("min", -1.0), ("max", 1.0)],
)
def test_each_aggregation(how: Aggregation, expected: float) -> None:
    assert aggregate(REWARDS, how, 0.7) == pytest.approx(expected)
    assert aggregate([], how, 0.7) == 0.7


def test_max_of_negative_rewards_is_not_the_default() -> None:
    assert aggregate([-0.5, -0.25], "max", 0.0) == -0.25


def test_a_sum_may_leave_the_range_of_a_reward() -> None:
    assert aggregate([1.0, 1.0, 1.0], "sum", 0.0) == 3.0


@given(st.floats(-1, 1), st.sampled_from(["earliest", "average", "median", "sum", "min", "max"]), st.floats(-1, 1))
def test_one_reward_is_the_reward(reward: float, how: Aggregation, default: float) -> None:
    assert aggregate([reward], how, default) == reward
