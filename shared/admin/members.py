"""The types of members of documents. As ASP.NET did, they take text where a number or a boolean is due."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from shared.admin.documents import fault
from shared.loops.durations import format_duration, parse_duration

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
# Longer ones cannot be in range.
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,20}\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?([0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})([eE][+-]?[0-9]{1,3})?\s*", re.ASCII)
_FLAGS = {"true": True, "false": False}


def _number(given: object) -> object:
    return float(given) if isinstance(given, str) and _NUMBER.fullmatch(given) else given


def _whole(given: object) -> object:
    return int(given) if isinstance(given, str) and _WHOLE.fullmatch(given) else given


def _flag(given: object) -> object:
    return _FLAGS.get(given.strip().lower(), given) if isinstance(given, str) else given


def _id(given: object) -> object:
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given


def _moment(given: object) -> datetime:
    try:
        moment = datetime.fromisoformat(given.strip() if isinstance(given, str) else "")
    except ValueError:
        raise ValueError("must be a date and time in ISO 8601 such as 2026-01-31T00:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def in_any_case(choices: Any) -> BeforeValidator:
    """For a Literal of texts: it is taken in any case."""
    known = {choice.lower(): choice for choice in get_args(choices)}
    return BeforeValidator(lambda given: known.get(given.lower(), given) if isinstance(given, str) else given)


def duration(given: object, code: str, longest: timedelta, shortest: timedelta = SECOND) -> timedelta:
    """A duration of the contract within its limits; raises a fault with `code`, ValueError if it is not text."""
    if not isinstance(given, str):
        raise ValueError("must be text, a duration in ISO 8601 such as PT10M")
    try:
        value = parse_duration(given)
    except ValueError as error:
        raise fault(code, f"{{path}}: {error}.") from None
    if not shortest <= value <= longest:
        limits = f"at least {format_duration(shortest)} and at most {format_duration(longest)}"
        raise fault(code, f"{{path}} must be {limits}.")
    return value


# For an int whose limits come before it: behind it they would not reach the schema.
or_text = BeforeValidator(_whole)
Number = Annotated[float, BeforeValidator(_number)]
Flag = Annotated[bool, BeforeValidator(_flag)]
# Numeric ids are text, digits as sent.
Id = Annotated[str, BeforeValidator(_id)]
# Without a zone, it is UTC.
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
# To be read by `duration`.
Duration = Annotated[
    timedelta,
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "format": "duration", "examples": ["PT10M"]}),
]
