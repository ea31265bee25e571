"""The query parameters of evaluations and feature importances in 2022-09-01-preview."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from shared.errors import ApiError
from shared.serving.queries import value

LARGEST = 2**31 - 1
LONGEST_ID = 256  # characters
PAGE = 100  # the largest page, and the usual one
# The intervals that each window may have, in minutes.
INTERVALS = {"Expanding": (5,), "Rolling": (60, 360, 720, 1440)}
_FILTER = re.compile(r"metadata\s*=\s*evaluationType\s+eq\s+'(Manual|Auto)'", re.IGNORECASE)

Query = Mapping[str, str]


class Page(NamedTuple):
    """Which part of a list is asked for: `top` entries at most after the first `skip`, `size` of them in one answer."""

    top: int
    skip: int
    size: int


class Window(NamedTuple):
    """From when to when results are asked for, and over what each of their points is averaged."""

    start: datetime
    end: datetime
    interval: timedelta
    kind: Literal["Expanding", "Rolling"]


def page(query: Query) -> Page:
    """top, skip and maxpagesize; raises InvalidRequest."""
    top, skip = _integer(query, "top", LARGEST, 0), _integer(query, "skip", 0, 0)
    return Page(top, skip, min(_integer(query, "maxpagesize", PAGE, 1), PAGE))


def evaluation_type(query: Query) -> str | None:
    """Manual or Auto if the filter asks for one; raises InvalidRequest."""
    text = value(query, "filter")
    if text is None:
        return None
    found = _FILTER.fullmatch(text.strip())
    if found is None:
        raise _wrong("filter", "must be of the form metadata=evaluationType eq 'Manual', or 'Auto'")
    return found[1].capitalize()


def window(query: Query) -> Window:
    """startTime, endTime, intervalInMinutes and window.

    Raises InvalidRequest for what cannot be read, InvalidEvaluationContract for what does not go together.
    """
    start, end = _time(query, "startTime"), _time(query, "endTime")
    minutes = _integer(query, "intervalInMinutes", 5, 1)
    kinds = {name.lower(): name for name in INTERVALS}
    kind = kinds.get((value(query, "window") or "Expanding").lower())
    if kind is None:
        raise _wrong("window", "must be Expanding or Rolling")
    if start > end:
        raise ApiError("InvalidEvaluationContract", "startTime must not be after endTime.", target="startTime")
    if minutes not in INTERVALS[kind]:
        allowed = " or ".join(map(str, INTERVALS[kind]))
        reason = f"intervalInMinutes of a window that is {kind} must be {allowed}; without a window it is Expanding."
        raise ApiError("InvalidEvaluationContract", reason, target="intervalInMinutes")
    return Window(start, end, timedelta(minutes=minutes), "Expanding" if kind == "Expanding" else "Rolling")


def identifier(text: str) -> str:
    """The id of an evaluation or a feature importance as a path has it; raises InvalidRequest."""
    text = text.replace("%2F", "/").replace("%2f", "/")  # ASP.NET routing decodes every escape but this one
    if len(text) > LONGEST_ID:
        raise ApiError("InvalidRequest", f"An id must have 1 to {LONGEST_ID} characters.")
    return text


def _integer(query: Query, name: str, default: int, least: int) -> int:
    text = value(query, name)
    if text is None:
        return default
    number = int(text) if re.fullmatch(r"-?[0-9]{1,10}", text) else None
    if number is None or not least <= number <= LARGEST:
        raise _wrong(name, f"must be a whole number from {least} to {LARGEST}")
    return number


def _time(query: Query, name: str) -> datetime:
    text = value(query, name)
    if text is None:
        raise _wrong(name, "is missing: give a time such as 2026-01-31T00:00:00Z")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong(name, "must be a time such as 2026-01-31T00:00:00Z, its + escaped as %2B") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _wrong(name: str, reason: str) -> ApiError:
    return ApiError("InvalidRequest", f"{name} {reason}.", target=name)
