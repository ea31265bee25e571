"""The pages, by the last part of their path."""

from typing import Any

from shared.dashboard.page import Page
from shared.dashboard.pages import loops, overview

LOOPS: Page[Any] = loops.PAGE
PAGES: dict[str, Page[Any]] = {"": overview.PAGE}
