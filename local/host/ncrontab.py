"""NCRONTAB schedules: `{second} {minute} {hour} {day} {month} {day of week}`, in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_ITEM = re.compile(r"(?:(?P<all>\*)|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?")
# February 29 comes back after at most eight years, so no possible date lies further ahead than that on one weekday.
_HORIZON = timedelta(days=366 * 41)


@dataclass(frozen=True)
class Schedule:
    """The instants a timer is due at. A date must agree with both day fields, as in the Functions host."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @classmethod
    def parse(cls, expression: str) -> Schedule:
        """Read six fields, or five (second 0). ValueError says which field is wrong."""
        fields = expression.split()
        if len(fields) == 5:
            fields = ["0", *fields]
        if len(fields) != 6:
            raise ValueError(
                f"the schedule {expression!r} has {len(fields)} fields; write six, such as '0 */5 * * * *'"
            )
        second, minute, hour, day, month, weekday = (
            _values(field, *spec) for field, spec in zip(fields, _FIELDS, strict=True)
        )
        return cls(
            tuple(sorted(second)), tuple(sorted(minute)), tuple(sorted(hour)),
            frozenset(day), frozenset(month), frozenset(weekday),
        )  # fmt: skip

    def next_after(self, moment: datetime) -> datetime:
        """First due instant later than `moment` (aware). ValueError if there is none, such as February 30."""
        moment = moment.astimezone(UTC)
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        date, earliest = start.date(), start.time()
        while date - moment.date() < _HORIZON:
            due = self._time_from(earliest) if self._includes(date.month, date.day, date.isoweekday() % 7) else None
            if due is not None:
                return datetime.combine(date, due, UTC)
            date, earliest = date + timedelta(days=1), time.min
        raise ValueError("the schedule names no date that exists")

    def _includes(self, month: int, day: int, weekday: int) -> bool:
        return month in self.months and day in self.days and weekday in self.weekdays

    def _time_from(self, earliest: time) -> time | None:
        low = (earliest.hour, earliest.minute, earliest.second)
        for hour in self.hours:
            if hour < low[0]:
                continue
            for minute in self.minutes:
                if (hour, minute) < low[:2]:
                    continue
                for second in self.seconds:
                    if (hour, minute, second) >= low:
                        return time(hour, minute, second)
        return None


def _values(field: str, label: str, low: int, high: int, names: tuple[str, ...]) -> set[int]:
    chosen: set[int] = set()
    for item in field.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise ValueError(f"cannot read {item!r} in the {label} field")
        first, last = _range(match, low, high, names)
        step = int(match["step"] or 1)
        if not low <= first <= last <= high or step < 1:
            raise ValueError(f"{item!r} is outside {low}-{high} in the {label} field")
        chosen.update(range(first, last + 1, step))
    return chosen


def _range(match: re.Match[str], low: int, high: int, names: tuple[str, ...]) -> tuple[int, int]:
    if match["all"]:
        return low, high
    first = _number(match["first"], low, names)
    if match["last"]:
        return first, _number(match["last"], low, names)
    return first, high if match["step"] else first


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + low
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is not a number" + (f" or one of {', '.join(names)}" if names else ""))
    return int(text)
