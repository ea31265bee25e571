"""Every alarm of a loop: how it stands, why, what to do, and how it has stood."""

import msgspec

from shared.dashboard import drawings, figures, parts, standing
from shared.dashboard.markup import Html, b, h1, join, p
from shared.dashboard.page import Call, Page
from shared.dashboard.parts import Column
from shared.dashboard.standing import Check
from shared.monitoring import blobs
from shared.monitoring.alarms.catalogue import ALARMS
from shared.monitoring.alarms.history import Change


class Alarms(msgspec.Struct, frozen=True):
    """judged: the end of the last hour that was judged, ms since 1970. changes: the newest first."""

    loop: str
    judged: int
    alarms: list[Check]
    changes: list[Change]


async def load(call: Call) -> Alarms:
    """What the evaluator has stored."""
    found = (await blobs.alarms(call.of.storage, call.of.home)).value
    return Alarms(call.of.loop, found.judged, standing.checks(found, every=True), found.changes[::-1])


def view(data: Alarms, call: Call) -> Html:
    """The page."""
    raised = [one for one in data.alarms if one.state in ("warning", "critical")]
    sentence = f"{figures.plural(len(raised), 'alarm')} raised." if raised else "No alarm is raised."
    about = (
        join("Judged each hour by the 24 hours before; the last one ended ", figures.moment(data.judged), ".")
        if data.judged
        else "They are judged by 24 closed hours; none has closed yet."
    )
    columns = [Column("alarm"), Column("state"), Column("why"), Column("since")]
    rows = [
        [
            b(one.title),
            drawings.state(one.state, one.state),
            join(one.cause, p(one.next, cls="small gap") if one.next and one.state != "ok" else None),
            figures.moment(one.since, "%d %b %H:%M") if one.since else None,
        ]
        for one in data.alarms
    ]
    return join(
        parts.card(h1(sentence), p(about, cls="muted"), parts.grid(columns, rows, "Alarms")),
        _history(data),
    )


def _history(data: Alarms) -> Html:
    titles = {alarm.name: alarm.title for alarm in ALARMS}
    columns = [Column("when"), Column("alarm"), Column("before"), Column("then"), Column("why")]
    rows = [
        [
            figures.moment(one.at, "%d %b %H:%M"),
            titles.get(one.alarm, one.alarm),
            drawings.state(one.before, one.before),
            drawings.state(one.state, one.state),
            one.cause,
        ]
        for one in data.changes
    ]
    shown = parts.grid(columns, rows, "Changes of alarms") if rows else parts.empty("No alarm was ever raised.")
    return parts.card(shown, name="How they have stood")


PAGE = Page("Alarms", load, view, "alarms")
