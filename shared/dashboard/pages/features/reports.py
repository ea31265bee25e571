"""Reports on features: what it costs to leave out one after the other."""

import time
from typing import Any

from shared.dashboard import drawings, figures, links, parts
from shared.dashboard.markup import Html, a, b, div, field, h1, join, label, p
from shared.dashboard.pages.evaluations.asking import stamp
from shared.dashboard.pages.evaluations.data import Row
from shared.dashboard.pages.evaluations.listed import state_of
from shared.dashboard.pages.features.data import Features
from shared.dashboard.parts import Cell, Column
from shared.evaluation.importance import Importance, Importances
from shared.loops.summary import HOUR_MS


def report(shown: Row, found: Importances | None) -> Html:
    """What a report says."""
    if found is None:
        return parts.card(state_of(shown.state), h1(shown.name), p(shown.reason or "It is not done yet.", cls="muted"))
    said = [one for one in found.features if one.told_apart]
    first = f"{_name(said[0])} matters most." if said else "No feature can be told apart from none."
    about = (
        f"With all features the policy would earn {figures.reward(found.value)} per decision, this loop earned "
        f"{figures.reward(found.online)}, over {figures.plural(found.decisions, 'event')}."
    )
    columns = [
        Column("feature", sort=True),
        Column("score", numeric=True, sort=True),
        Column("what leaving it out costs per decision, with its interval"),
        Column("costs", numeric=True, sort=True),
        Column(""),
    ]
    reach = drawings.reach_of([0.0, *(end for one in found.features for end in (one.lower, one.upper))])
    rows = [
        [
            b(_name(one)),
            Cell(figures.count(100 * one.score), one.score),
            drawings.interval(one.difference, one.lower, one.upper, reach, 0.0, doubtful=not one.told_apart),
            Cell(figures.signed(one.difference), one.difference),
            None if one.told_apart else "not told apart from none",
        ]
        for one in found.features
    ]
    failed = [parts.hint(f"{name} could not be judged: {reason}") for name, reason in found.failed.items()]
    return join(
        parts.verdict("ok" if said else "unknown", shown.name, first, about),
        parts.card(parts.grid(columns, rows, "Importance of features"), failed, name="Importance, 0 to 100"),
    )


def _name(one: Importance) -> str:
    return f"{one.namespace} / {one.feature}" if one.feature else f"{one.namespace}, without a name"


def listed(data: Features, *, may: bool) -> Html:
    """All of them."""
    if not data.reports:
        about = "A report plays the log again without each feature, and says what the policy would have earned less."
        return parts.card(parts.empty("There is no report yet.", about), name="Reports", width=7)
    is_open = any(one.state in ("waiting", "running") for one in data.reports)
    watched: dict[str, Any] = {"data_watch": 3} if is_open else {"data_ended": True}
    columns = [Column("report"), Column("state"), Column("period"), Column("", numeric=True)]
    rows = [
        [
            a(one.name, cls="title", href=links.of_loop(data.loop, "features", id=one.id)),
            join(state_of(one.state), p(one.reason, cls="muted small") if one.reason else None),
            figures.between(one.since, one.until),
            parts.post(links.of_loop(data.loop, "importance-delete"), "Delete", hidden={"id": one.id}) if may else None,
        ]
        for one in data.reports
    ]
    return parts.card(parts.grid(columns, rows, "Reports"), name="Reports", width=7, **watched)


def asking(data: Features) -> Html:
    """The form for another one."""
    now = round(time.time() * 1000)
    until = now - now % HOUR_MS + HOUR_MS
    url = links.of_loop(data.loop, "importance-make")
    asked = parts.post(
        url,
        "Make a report",
        div(label("Name", for_="name"), field(id="name", name="name", required=True, value="Features", maxlength=256)),
        div(
            label("Days of log, up to now", for_="days"),
            field(type="number", id="days", name="days", value=14, min=1, max=365, required=True),
        ),
        hidden={"until": stamp(until)},
        kind="primary",
        cls="fields",
    )
    about = "It plays the log once for each feature: with many days of a busy loop that takes a while."
    return parts.card(asked, parts.hint(about), name="Measure features", width=5)
