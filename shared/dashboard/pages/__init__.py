"""The pages, by the last part of their path."""

from typing import Any

from shared.dashboard.page import Page
from shared.dashboard.pages import (
    actions,
    alarms,
    apprentice,
    demo,
    erasure,
    evaluation,
    evaluations,
    events,
    features,
    holdback,
    loops,
    optimize,
    overview,
    settings,
    undo,
)

LOOPS: Page[Any] = loops.PAGE
DEMO: Page[Any] = demo.PAGE
PAGES: dict[str, Page[Any]] = {
    "": overview.PAGE,
    "actions": actions.PAGE,
    "alarms": alarms.PAGE,
    "apprentice": apprentice.PAGE,
    "erasure": erasure.PAGE,
    "evaluation": evaluation.PAGE,
    "evaluations": evaluations.PAGE,
    "events": events.PAGE,
    "features": features.PAGE,
    "holdback": holdback.PAGE,
    "optimize": optimize.PAGE,
    "settings": settings.PAGE,
    "undo": undo.PAGE,
}
