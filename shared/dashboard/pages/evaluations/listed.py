"""The evaluations of a loop in a table."""

from shared.dashboard import drawings, figures, links, parts
from shared.dashboard.markup import Html, a, button, div, form, join, label, option, p, select
from shared.dashboard.pages.evaluations.data import Evaluations
from shared.dashboard.parts import Cell, Column
from shared.monitoring.states import State

STATES: dict[str, tuple[State, str]] = {
    "waiting": ("unknown", "Waiting"),
    "running": ("unknown", "Running"),
    "completed": ("ok", "Done"),
    "failed": ("critical", "Failed"),
    "timeout": ("critical", "Took too long"),
}


def table_of(data: Evaluations) -> Html:
    """The table, or a word on what an evaluation is."""
    if not data.evaluations:
        return parts.empty(
            "There is none yet.",
            "An evaluation says what other policies would have earned on the same events, and how sure that is.",
        )
    columns = [
        Column("name", sort=True),
        Column("state"),
        Column("period"),
        Column("events", numeric=True, sort=True),
        Column("asked for", sort=True),
    ]
    rows = [
        [
            join(
                a(one.name, cls="title", href=links.of_loop(data.loop, "evaluation", id=one.id)),
                p("looks for a better policy", cls="muted small") if one.optimizes else None,
            ),
            join(state_of(one.state), p(one.reason, cls="muted small") if one.reason else None),
            figures.between(one.since, one.until),
            Cell("" if one.events is None else figures.count(one.events), one.events),
            Cell(figures.moment(figures.parsed(one.created), "%d %b %H:%M"), one.created),
        ]
        for one in data.evaluations
    ]
    return join(parts.grid(columns, rows, "Evaluations"), _comparing(data))


def _comparing(data: Evaluations) -> Html | None:
    """Which two are looked at side by side; None before two are done."""
    done = [one for one in data.evaluations if one.state == "completed"]
    if len(done) < 2:
        return None
    called = {one.id: f"{one.name}, asked for {one.created[:16].replace('T', ' ')} UTC" for one in done}
    asked = form(
        div(
            _choice("one", "First", called, done[1].id),
            _choice("other", "Second", called, done[0].id),
            cls="fields two",
        ),
        div(button("Compare them", cls="button"), cls="buttons gap"),
        method="get",
        action=links.of_loop(data.loop, "comparison"),
    )
    return parts.folded("Compare two of them side by side", asked)


def _choice(name: str, title: str, called: dict[str, str], current: str) -> Html:
    options = [option(text, value=one, selected=one == current) for one, text in called.items()]
    return div(label(title, for_=f"compare-{name}"), select(options, id=f"compare-{name}", name=name))


def state_of(word: str) -> Html:
    """A job's state as a badge."""
    return drawings.state(*STATES[word])
