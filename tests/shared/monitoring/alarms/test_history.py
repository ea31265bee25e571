"""Two judgements in a row raise an alarm, two clean ones end it, and what was stored is read again."""

import pytest

from shared.loops.unreadable import LaterVersion
from shared.monitoring.alarms import history
from shared.monitoring.alarms.catalogue import ALARMS, STOPPING, Alarm
from shared.monitoring.alarms.history import MOST_CHANGES, History
from shared.monitoring.alarms.judgement import Judgement
from shared.monitoring.states import State

ALARM = ALARMS[0]
WORDS: dict[str, State] = {"o": "ok", "w": "warning", "c": "critical", "u": "unknown"}


def after(judged: str, alarm: Alarm = ALARM) -> History:
    made = History()
    for at, letter in enumerate(judged, 1):
        made = made.after(at, {alarm: Judgement(WORDS[letter], f"cause {at}", f"next {at}")})
    return made


@pytest.mark.parametrize(
    ("judged", "states"),
    [
        ("oo", "oo"),
        ("ow", "oo"),
        ("oww", "oow"),
        ("owowow", "oooooo"),
        ("occ", "ooc"),
        ("owc", "oow"),
        ("owcc", "oowc"),
        ("occw", "oocc"),
        ("occww", "ooccw"),
        ("occo", "oocc"),
        ("occoo", "oocco"),
        ("occowo", "ooccww"),
        ("ww", "uw"),
        ("uw", "uu"),
        ("uo", "uo"),
        ("ou", "ou"),
        ("owwu", "ooww"),
        ("owwuu", "oowwu"),
        ("owwuw", "oowww"),
    ],
)
def test_two_in_a_row_raise_and_two_clean_ones_end(judged: str, states: str) -> None:
    found = [after(judged[:count]).standing(ALARM).state for count in range(1, len(judged) + 1)]
    assert found == [WORDS[letter] for letter in states]


def test_what_is_told_is_of_the_state_that_stands() -> None:
    standing = after("oww").standing(ALARM)
    assert (standing.cause, standing.next, standing.since) == ("cause 3", "next 3", 3)
    standing = after("owwo").standing(ALARM)
    assert (standing.cause, standing.since, standing.last) == ("cause 3", 3, "ok")
    assert after("owwww").standing(ALARM).since == 3


def test_changes_are_those_that_raise_and_end_and_the_latest_are_kept() -> None:
    made = after("uoowwccoouu")
    assert [(one.at, one.before, one.state) for one in made.changes] == [
        (5, "ok", "warning"), (7, "warning", "critical"), (9, "critical", "ok"),
    ]  # fmt: skip
    many = after("wwoo" * MOST_CHANGES)
    assert len(many.changes) == MOST_CHANGES
    assert many.changes[-1].at == 4 * MOST_CHANGES


def test_automation_stops_for_three_alarms_only() -> None:
    for alarm in ALARMS:
        for judged in ("oww", "occ"):
            expected = [alarm.name] if alarm.name in STOPPING else []
            assert history.automation_stopped(after(judged, alarm)) == expected
        assert history.automation_stopped(after("oo", alarm)) == []
    assert len(set(STOPPING) & {alarm.name for alarm in ALARMS}) == 3


def test_what_was_stored_is_read_and_later_versions_are_refused() -> None:
    made = after("owwcc")
    assert history.decode(history.encode(made)) == made
    with pytest.raises(LaterVersion):
        history.decode(history.encode(made).replace(b'"v":1', b'"v":2'))
    with pytest.raises(ValueError, match=r"\w"):
        history.decode(b'{"v":1,"alarms":[]}')
