"""The pages, by the last part of their path."""

from typing import Any

from shared.dashboard.page import Page
from shared.dashboard.pages import (
    apprentice,
    evaluation,
    evaluations,
    events,
    features,
    loops,
    overview,
    settings,
    undo,
)

LOOPS: Page[Any] = loops.PAGE
PAGES: dict[str, Page[Any]] = {
    "": overview.PAGE,
    "apprentice": apprentice.PAGE,
    "evaluation": evaluation.PAGE,
    "evaluations": evaluations.PAGE,
    "events": events.PAGE,
    "features": features.PAGE,
    "settings": settings.PAGE,
    "undo": undo.PAGE,
}
