"""The evaluations of a loop, and the form that asks for one."""

from typing import Any

from shared.auth import Permission
from shared.dashboard import parts
from shared.dashboard.markup import Html, join
from shared.dashboard.page import Call, Page
from shared.dashboard.pages.evaluations import asking, listed
from shared.dashboard.pages.evaluations.data import Evaluations, load


def view(data: Evaluations, call: Call) -> Html:
    """The page."""
    return join(
        parts.card(listed.table_of(data), name="Evaluations", width=12, **_watching(data)),
        asking.form_of(data) if call.may(Permission.ADMINISTER) else None,
        asking.days(data),
    )


def _watching(data: Evaluations) -> dict[str, Any]:
    is_open = any(one.state in ("waiting", "running") for one in data.evaluations)
    return {"data_watch": 3} if is_open else {"data_ended": True}


PAGE = Page("Evaluations", load, view, "evaluations")
