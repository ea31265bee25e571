"""Blobs of the joined log that were found damaged: reported once per process, and counted in the loop's checkpoint.

They are met while a model is learned again and while a join's memory is made again. The run that does so stores their
names with its commit; until then this process remembers them by loop, for no reader is worth failing for a count.
"""

import logging
from collections.abc import Sequence

from shared import telemetry
from shared.loops.blob_names import Home, loop_of, run_name

# Names that a checkpoint holds, the newest.
MOST = 100

_log = logging.getLogger(__name__)
_reported: set[tuple[str, str]] = set()


class _Reading:
    """What was found in a loop's log. since: the name of the run from which on all of it was read, "" for none."""

    def __init__(self) -> None:
        self.since = ""
        self.damaged: dict[str, str] = {}


_readings: dict[Home, _Reading] = {}


def begin(home: Home, since: int) -> None:
    """The log is read again from a run's cut on (ms), imported events included: what was damaged may be no longer."""
    reading = _readings.setdefault(home, _Reading())
    first = run_name(since)
    reading.since = min(reading.since or first, first)


def meet(home: Home, name: str, reason: Exception, run: str = "") -> None:
    """Reports a damaged blob; run: the file of that of its runs which is damaged, if it was merged."""
    _readings.setdefault(home, _Reading()).damaged[run or _file(name)] = str(reason)
    if (name, run) not in _reported:
        _reported.add((name, run))
        of = f", in it {run}," if run and run != _file(name) else ""
        text = f"The log {name}{of} is damaged ({reason}); its events behind the damage are not learned."
        telemetry.error(_log, text, loop_of(home))


def met(home: Home) -> dict[str, str]:
    """The damaged files that this process has met since `forget`, with what is wrong with them."""
    reading = _readings.get(home)
    return reading.damaged if reading is not None else {}


def merged(home: Home, before: Sequence[str]) -> list[str]:
    """The names that a checkpoint is to hold. before: those it has."""
    reading = _readings.get(home)
    if reading is None:
        return list(before)
    kept = [name for name in before if not reading.since or name < reading.since]
    return sorted({*kept, *reading.damaged})[-MOST:]


def forget(home: Home) -> None:
    """What was met is committed."""
    _readings.pop(home, None)


def _file(name: str) -> str:
    return name.rpartition("/")[2]
