from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from local.host.ncrontab import Schedule

SATURDAY = datetime(2026, 1, 31, 23, 59, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", "2026-01-31T23:59:59"),
        ("0 */5 * * * *", "2026-02-01T00:00:00"),
        ("30 0 * * * *", "2026-02-01T00:00:30"),
        ("0 0 12 * * 1-5", "2026-02-02T12:00:00"),
        ("0 0 12 * * MON,wed", "2026-02-02T12:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 29 FEB SUN", "2032-02-29T00:00:00"),
        ("0 0 0 13 * FRI", "2026-02-13T00:00:00"),
        ("59 59 23 31 12 *", "2026-12-31T23:59:59"),
        ("5/20 * * * * *", "2026-02-01T00:00:05"),
        ("10-20/5,50 1 2 3 4 *", "2026-04-03T02:01:10"),
        ("*/5 * * * *", "2026-02-01T00:00:00"),
    ],
)
def test_the_next_instant(expression: str, expected: str) -> None:
    assert Schedule.parse(expression).next_after(SATURDAY) == datetime.fromisoformat(expected + "+00:00")


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("* * * *", "4 fields"),
        ("* * * * * * *", "7 fields"),
        ("60 * * * * *", "second"),
        ("* * 24 * * *", "hour"),
        ("* * * 0 * *", "day"),
        ("* * * * 13 *", "month"),
        ("* * * * * 7", "day of week"),
        ("5-1 * * * * *", "second"),
        ("*/0 * * * * *", "second"),
        ("a * * * * *", "'a' is not a number"),
        ("* * * * * LUN", "MON"),
        ("1.5 * * * * *", "second"),
        ("00:05:00", "1 fields"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_refused(expression: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Schedule.parse(expression)


def test_a_date_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no date"):
        Schedule.parse("0 0 0 30 2 *").next_after(SATURDAY)


def field(low: int, high: int) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    """A field's text with the values it stands for, worked out the plain way."""
    everything = frozenset(range(low, high + 1))
    number = st.integers(low, high)
    single = number.map(lambda value: (str(value), frozenset({value})))
    span = st.tuples(number, number).map(sorted).map(lambda ends: (f"{ends[0]}-{ends[1]}", ends))
    ranges = span.map(lambda pair: (pair[0], frozenset(range(pair[1][0], pair[1][1] + 1))))
    steps = st.integers(1, high).map(
        lambda step: (f"*/{step}", frozenset(v for v in everything if (v - low) % step == 0))
    )
    items = st.lists(st.one_of(single, ranges, steps), min_size=1, max_size=3).map(
        lambda parts: (",".join(text for text, _ in parts), frozenset().union(*(values for _, values in parts)))
    )
    return st.one_of(st.just(("*", everything)), items)


moments = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
schedules = st.tuples(field(0, 59), field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6))


def agrees(moment: datetime, fields: tuple[tuple[str, frozenset[int]], ...]) -> bool:
    parts = (moment.second, moment.minute, moment.hour, moment.day, moment.month, moment.isoweekday() % 7)
    return moment.microsecond == 0 and all(part in values for part, (_, values) in zip(parts, fields, strict=True))


@given(moments, schedules)
def test_the_next_instant_agrees_with_every_field(moment: datetime, fields: tuple) -> None:
    schedule = Schedule.parse(" ".join(text for text, _ in fields))
    try:
        due = schedule.next_after(moment)
    except ValueError:
        assume(False)
    assert due > moment
    assert agrees(due, fields)


@given(moments, schedules, st.integers(1, 200_000))
def test_no_instant_is_skipped(moment: datetime, fields: tuple, seconds: int) -> None:
    """An instant that agrees lies no earlier than the one found before it."""
    later = moment.replace(microsecond=0) + timedelta(seconds=seconds)
    chosen = tuple(("", values | {part}) for (_, values), part in zip(fields, parts_of(later), strict=True))
    text = " ".join(",".join(map(str, sorted(values))) for _, values in chosen)
    assert Schedule.parse(text).next_after(moment) <= later


def parts_of(moment: datetime) -> tuple[int, ...]:
    return (moment.second, moment.minute, moment.hour, moment.day, moment.month, moment.isoweekday() % 7)
