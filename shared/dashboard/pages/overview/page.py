"""A loop at a glance: one sentence, one figure with its interval, a row of checks, and only then curves."""

from shared.auth import Permission
from shared.dashboard import figures, links, parts
from shared.dashboard.markup import Html, div, join
from shared.dashboard.page import Call, Page
from shared.dashboard.pages.overview import decisions, rewards, verdict
from shared.dashboard.pages.overview.data import Overview, load
from shared.dashboard.parts import Column


def view(data: Overview, call: Call) -> Html:
    """The page."""
    return join(
        verdict.shown(data.standing),
        verdict.checks(data),
        rewards.over_time(data),
        decisions.fates(data.history),
        _what_changed(data, call),
        decisions.delays(data),
    )


def _what_changed(data: Overview, call: Call) -> Html:
    columns = [Column("when"), Column("what"), Column("", numeric=True)]
    undoable = next((one for one in data.changes if one.undoable), None)
    may = call.may(Permission.ADMINISTER)
    rows = [
        [
            figures.moment(one.at, "%d %b %H:%M"),
            one.what,
            parts.link("Undo", links.of_loop(data.loop, "undo")) if one is undoable and may else None,
        ]
        for one in data.changes
    ]
    model = data.model
    anew = (
        parts.hint("A new model is learning the log anew; it takes over when it knows what this one knows.")
        if model is not None and model.is_learning_anew
        else None
    )
    shown = (
        parts.grid(columns, rows, "What changed") if rows else parts.empty("Nothing has changed since the loop began.")
    )
    steps = div(
        parts.link("Evaluate this period", links.of_loop(data.loop, "evaluations"), "primary"),
        parts.link("Settings", links.of_loop(data.loop, "settings")),
        cls="buttons gap",
    )
    return parts.card(shown, anew, steps, width=7, name="What changed")


PAGE = Page("Overview", load, view)
