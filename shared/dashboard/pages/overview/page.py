"""A loop at a glance: one sentence, one figure with its interval, a row of checks, and only then curves."""

from shared.dashboard import links, parts
from shared.dashboard.markup import Html, div, join
from shared.dashboard.page import Call, Page
from shared.dashboard.pages.overview import changes, decisions, rewards, verdict
from shared.dashboard.pages.overview.data import Overview, load


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
    model = data.model
    anew = (
        parts.hint("A new model is learning the log anew; it takes over when it knows what this one knows.")
        if model is not None and model.is_learning_anew
        else None
    )
    steps = div(
        parts.link("Evaluate this period", links.of_loop(data.loop, "evaluations"), "primary"),
        parts.link("Settings", links.of_loop(data.loop, "settings")),
        cls="buttons gap",
    )
    return parts.card(changes.table(data.loop, data.changes, call), anew, steps, width=7, name="What changed")


PAGE = Page("Overview", load, view)
