"""A loop's Ranks per second."""

import pytest

from shared.errors import ApiError
from shared.serving.quota import Quota


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(quota: Quota, count: int) -> int:
    """How many of so many Ranks are let through."""
    through = 0
    for _ in range(count):
        try:
            quota.take()
        except ApiError:
            continue
        through += 1
    return through


def test_a_second_has_as_many_as_the_setting_says() -> None:
    clock = Clock()
    quota = Quota(5, clock)
    assert taken(quota, 20) == 5
    clock.now += 0.4
    assert taken(quota, 20) == 2
    clock.now += 60
    assert taken(quota, 20) == 5


def test_less_than_one_per_second_lets_one_through_now_and_then() -> None:
    clock = Clock()
    quota = Quota(0.25, clock)
    assert taken(quota, 3) == 1
    with pytest.raises(ApiError) as refused:
        quota.take()
    assert (refused.value.code, refused.value.status, refused.value.retry_after) == ("TooManyRequests", 429, 4)
    clock.now += 4
    assert taken(quota, 3) == 1
