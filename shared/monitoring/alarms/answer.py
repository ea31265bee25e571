"""The alarms of a loop as `GET /loops/{loop}/alarms` answers them."""

from datetime import UTC, datetime

import msgspec

from shared.monitoring.alarms.catalogue import ALARMS
from shared.monitoring.alarms.history import History, automation_stopped
from shared.monitoring.states import State


class AlarmInfo(msgspec.Struct, rename="camel"):
    """One alarm. since: since when it stands so, null before it was judged. link: where it is explained."""

    name: str
    title: str
    state: State
    since: str | None
    cause: str
    next: str
    link: str


class AlarmChange(msgspec.Struct, rename="camel"):
    """An alarm that was raised or ended, or changed its grade."""

    at: str
    name: str
    before: State
    state: State
    cause: str


class AlarmList(msgspec.Struct, rename="camel"):
    """judged: the end of the last hour that was judged, null before the first one. history: the latest change first.

    automation_stopped: the alarms because of which nothing is changed automatically.
    """

    judged: str | None
    automation_stopped: list[str]
    alarms: list[AlarmInfo]
    history: list[AlarmChange]


def answer(history: History) -> AlarmList:
    """All alarms, in the order of the catalogue."""
    standings = [(alarm, history.standing(alarm)) for alarm in ALARMS]
    alarms = [
        AlarmInfo(alarm.name, alarm.title, one.state, _time(one.since), one.cause, one.next, alarm.link)
        for alarm, one in standings
    ]
    changes = [AlarmChange(_text(one.at), one.alarm, one.before, one.state, one.cause) for one in history.changes[::-1]]
    return AlarmList(_time(history.judged), automation_stopped(history), alarms, changes)


def _time(at: int) -> str | None:
    return _text(at) if at else None


def _text(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
