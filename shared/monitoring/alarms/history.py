"""The alarms of a loop over time: two judgements in a row raise one, two clean ones end it."""

from collections.abc import Mapping

import msgspec

from shared.loops import unreadable
from shared.monitoring.alarms.catalogue import ALARMS, STOPPING, Alarm
from shared.monitoring.alarms.judgement import Judgement
from shared.monitoring.states import State

VERSION = 1
# Changes that are kept.
MOST_CHANGES = 100
_GRADES: tuple[State, ...] = ("ok", "warning", "critical")
_RAISED: frozenset[State] = frozenset(("warning", "critical"))


class Standing(msgspec.Struct, frozen=True):
    """An alarm as it stands. since: when that began (ms since 1970), 0 before the first judgement.

    last: the last judgement, which by itself changes nothing. cause, next: why it stands so, and what to do.
    """

    state: State = "unknown"
    since: int = 0
    last: State = "unknown"
    cause: str = "It has not been judged yet."
    next: str = ""


class Change(msgspec.Struct, frozen=True):
    """An alarm that was raised or ended, or changed its grade.

    at: ms since 1970, of judgements by hours the end of the last one.
    """

    at: int
    alarm: str
    before: State
    state: State
    cause: str


class History(msgspec.Struct, frozen=True):
    """What is stored of a loop's alarms. judged: the end of the last hour that was judged (ms since 1970).

    seen: the end of the last hour that had decisions. alarms: by name. changes: the latest ones, oldest first. by: who
    has stored it: two that have judged the same store different bytes, so that one of them is told that it lost.
    """

    v: int = VERSION
    judged: int = 0
    seen: int = 0
    alarms: dict[str, Standing] = {}
    changes: list[Change] = []
    by: str = ""

    def standing(self, alarm: Alarm) -> Standing:
        """Of one alarm."""
        return self.alarms.get(alarm.name, Standing())

    def after(self, at: int, judgements: Mapping[Alarm, Judgement]) -> "History":
        """With judgements made at an instant (ms since 1970)."""
        alarms, changes = dict(self.alarms), list(self.changes)
        for alarm, judgement in judgements.items():
            before = self.standing(alarm)
            alarms[alarm.name] = made = _after(before, at, judgement)
            if {before.state, made.state} & _RAISED and made.state != before.state:
                changes.append(Change(at, alarm.name, before.state, made.state, made.cause))
        return msgspec.structs.replace(self, alarms=alarms, changes=changes[-MOST_CHANGES:])

    def raised(self) -> list[str]:
        """The names of the alarms that are at warning or critical, the worst first."""
        found = [alarm.name for alarm in ALARMS if self.standing(alarm).state in _RAISED]
        return sorted(found, key=lambda name: self.alarms[name].state != "critical")


def automation_stopped(history: History) -> list[str]:
    """The alarms because of which nothing may be changed automatically, by name; none if it may."""
    return [name for name in history.raised() if name in STOPPING]


def _after(before: Standing, at: int, judgement: Judgement) -> Standing:
    state = _state(before, judgement.state)
    since = before.since if state == before.state and before.since else at
    agrees = judgement.state == state or before.state != state
    cause, next = (judgement.cause, judgement.next) if agrees else (before.cause, before.next)
    return Standing(state, since, judgement.state, cause, next)


def _state(before: Standing, now: State) -> State:
    """No worse than the worse of the last two judgements, no better than the better of them, else as before."""
    if now == "unknown":
        return "unknown" if before.last == "unknown" or before.state == "ok" else before.state
    if now != "ok" and (before.state, before.last) == ("unknown", "unknown"):
        return "unknown"
    last, stood = _grade(before.last), _grade(before.state)
    lowest, highest = sorted((last, _grade(now)))
    return _GRADES[max(lowest, min(stood, highest))]


def _grade(state: State) -> int:
    return _GRADES.index(state) if state in _GRADES else 0


_decoder = msgspec.json.Decoder(History)


def encode(history: History) -> bytes:
    return msgspec.json.encode(history)


def decode(data: bytes) -> History:
    """What was stored; raises ValueError if it is damaged, LaterVersion."""
    unreadable.check("the alarms", data, VERSION)
    return _decoder.decode(data)
