"""The pages, by the last part of their path."""

from typing import Any

from shared.dashboard.page import Page
from shared.dashboard.pages import (
    actions,
    alarms,
    apprentice,
    comparison,
    demo,
    erasure,
    events,
    holdback,
    loops,
    optimize,
    undo,
)
from shared.dashboard.pages.evaluation import page as evaluation
from shared.dashboard.pages.evaluations import page as evaluations
from shared.dashboard.pages.features import page as features
from shared.dashboard.pages.overview import page as overview
from shared.dashboard.pages.settings import page as settings

LOOPS: Page[Any] = loops.PAGE
DEMO: Page[Any] = demo.PAGE
PAGES: dict[str, Page[Any]] = {
    "": overview.PAGE,
    "actions": actions.PAGE,
    "alarms": alarms.PAGE,
    "apprentice": apprentice.PAGE,
    "comparison": comparison.PAGE,
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
