"""Which features come, which drift, and which matter."""

from shared.auth import Permission
from shared.dashboard.markup import Html, join
from shared.dashboard.page import Call, Page
from shared.dashboard.pages.features import reports, seen
from shared.dashboard.pages.features.data import Features, load


def view(data: Features, call: Call) -> Html:
    """The page."""
    may = call.may(Permission.ADMINISTER)
    return join(
        reports.report(data.shown, data.importances) if data.shown is not None else None,
        seen.card(data),
        reports.listed(data, may=may),
        reports.asking(data) if may else None,
    )


PAGE = Page("Features", load, view, "features")
