from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.loops.durations import format_duration, parse_duration

READ = {
    "PT10M": timedelta(minutes=10),
    "PT0.5S": timedelta(seconds=0.5),
    "P7D": timedelta(days=7),
    "P1DT2H3M4S": timedelta(days=1, hours=2, minutes=3, seconds=4),
    "P2W": timedelta(weeks=2),
    "PT90M": timedelta(minutes=90),
    "PT0S": timedelta(),
    "00:10:00": timedelta(minutes=10),
    "1:02:03": timedelta(hours=1, minutes=2, seconds=3),
    "24:00:00": timedelta(days=1),
    "00:00:15": timedelta(seconds=15),
    "00:00:00.25": timedelta(seconds=0.25),
    "1.00:00:00": timedelta(days=1),
    "2.03:04:05.6000000": timedelta(days=2, hours=3, minutes=4, seconds=5.6),
}
REFUSED = ["", "P", "PT", "P1DT", "10", "10M", "PT10", "P1H", "PT1D", "pt10m", "-PT1M", "PT-1M", "00:10", "00:60", "x"]
REFUSED += ["PT1M ", " PT1M", "1:2:3:4", "PT1,5S", "P1Y", "P1M", "PTnanS", "00:75:00", "00:00:61", "PT٣S", "00:٣0:00"]
WRITTEN = {
    timedelta(): "PT0S",
    timedelta(minutes=10): "PT10M",
    timedelta(seconds=90): "PT1M30S",
    timedelta(hours=24): "P1D",
    timedelta(days=2, seconds=1): "P2DT1S",
    timedelta(seconds=1.5): "PT1.5S",
    timedelta(microseconds=1): "PT0.000001S",
}


@pytest.mark.parametrize(("text", "expected"), READ.items())
def test_read(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", REFUSED)
def test_refused_with_an_example_of_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"ISO 8601 such as PT10M, or hh:mm:ss"):
        parse_duration(text)


def test_too_long_to_be_one() -> None:
    with pytest.raises(ValueError, match="too long"):
        parse_duration("P9999999999D")
    with pytest.raises(ValueError, match="too long"):
        parse_duration(f"P{'9' * 400}D")


@pytest.mark.parametrize(("value", "expected"), WRITTEN.items())
def test_written(value: timedelta, expected: str) -> None:
    assert format_duration(value) == expected


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=100_000)))
def test_what_is_written_reads_the_same(value: timedelta) -> None:
    assert abs(parse_duration(format_duration(value)) - value) <= timedelta(microseconds=1)
