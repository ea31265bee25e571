"""A browser for tests of the dashboard: Chromium as the machine has it, watched for what pages must not do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from harness.system import ADMIN_KEY

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing but what the tests ask for leaves this machine.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
WIDE, PHONE = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)


def executable() -> Path | None:
    """That of CHROMIUM, or the first known one in PATH."""
    named = os.environ.get("CHROMIUM")
    found = [Path(named)] if named else [Path(path) for name in NAMES if (path := shutil.which(name))]
    return next((path for path in found if path.exists()), None)


@contextmanager
def started() -> Iterator[Browser]:
    """A browser; the test is skipped where there is none."""
    path = executable()
    if path is None:
        pytest.skip(f"no browser: install Chromium, or name one in CHROMIUM; looked for {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Watched:
    """A page, and what it did that it must not do: words on the console, failures, requests to other origins."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url, self.faults, self.page = url, list[str](), context.new_page()
        self.page.on("console", lambda message: self._said(message.type, message.text))
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", lambda request: self._asked(request.url))

    def go(self, path: str) -> Page:
        """A page of the dashboard, once it has come to rest."""
        self.page.goto(f"{self.url}/dashboard{path}", wait_until="load")
        return self.page

    def log_in(self, key: str = ADMIN_KEY) -> None:
        """By the form."""
        self.go("")
        self.page.fill("#key", key)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_load_state()

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.faults.append(f"{kind}: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((f"{self.url}/", "data:")):
            self.faults.append(f"request to {url}")


@contextmanager
def looking(browser: Browser, url: str, size: ViewportSize = WIDE, dark: bool = False) -> Iterator[Watched]:
    """Somebody who has logged in; AssertionError at the end for whatever the pages must not have done."""
    context = browser.new_context(viewport=size, color_scheme="dark" if dark else "light")
    context.set_default_timeout(20_000)
    watched = Watched(context, url)
    watched.log_in()
    yield watched
    context.close()
    assert watched.faults == []
