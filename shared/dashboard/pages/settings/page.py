"""Model and settings of a loop, with what each change makes of the model said beside it."""

from shared.auth import Permission
from shared.dashboard.markup import (
    Html,
    div,
    join,
)
from shared.dashboard.page import Call, Page
from shared.dashboard.pages.settings import configuration, ending, model, policy
from shared.dashboard.pages.settings.data import Settings, load


def view(data: Settings, call: Call) -> Html:
    """The page: forms for whoever may change something, a list for others."""
    if not call.may(Permission.ADMINISTER):
        return join(
            configuration.listed(data), div(model.shown(data, forms=False), policy.listed(data), cls="stack w5")
        )
    beside = (configuration.mode(data), model.shown(data, forms=True), ending.keys(data), ending.clearing(data, call))
    return join(div(configuration.form(data), policy.form(data), cls="stack w7"), div(beside, cls="stack w5"))


PAGE = Page("Model and settings", load, view, "settings")
