"""Where a consumer wants to begin: the selector filter of its source."""

import re
from typing import Any

from .codec import errors
from .codec.decode import Described
from .codec.errors import AmqpError
from .disk.cursor import Start
from .disk.partition_log import PartitionLog

_SELECTOR = re.compile(
    r"\s*amqp\.annotation\.x-opt-(sequence-number|offset|enqueued-time)\s*(>=?)\s*'?([^'\s]+)'?\s*", re.ASCII
)
_FIELDS = {"sequence-number": 0, "offset": 1, "enqueued-time": 2}
_FILTER = "apache.org:selector-filter:string"


def start(filters: Any, log: PartitionLog) -> Start:
    """The start that a source's filter map asks for; everything if it asks for nothing. Raises AmqpError."""
    chosen = filters.get(_FILTER) if isinstance(filters, dict) else None
    selector = chosen.value if isinstance(chosen, Described) else chosen
    if selector is None:
        return Start(0, 0)
    match = _SELECTOR.fullmatch(selector) if isinstance(selector, str) else None
    if not match:
        raise _invalid(f"the selector {selector!r} is not a comparison of one x-opt- annotation")
    name, operator, value = match.groups()
    if value == "@latest":
        return Start(0, log.head.last.sequence + 1)
    if not re.fullmatch(r"-?[0-9]{1,19}", value):
        raise _invalid(f"{value!r} is no {name}")
    return _checked(Start(_FIELDS[name], int(value) + (operator == ">")), log)


def _checked(wanted: Start, log: PartitionLog) -> Start:
    """An event that has never been is a mistake (the log of another hub, or a deleted one), not a place to wait."""
    if wanted.field == 0 and wanted.value > log.head.last.sequence + 1:
        raise _invalid(f"sequence number {wanted.value - 1} is invalid: the last one is {log.head.last.sequence}")
    if wanted.field == 1 and wanted.value > log.head.next_offset:
        raise _invalid(f"offset {wanted.value - 1} is invalid: the last one is {log.head.last.offset}")
    return wanted


def _invalid(text: str) -> AmqpError:
    return AmqpError(errors.INVALID_ARGUMENT, text)
