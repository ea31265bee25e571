"""A visitor of the dashboard without a browser: logs in, follows pages, sends forms as a browser does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any, NamedTuple

import httpx

from harness.system import ADMIN_KEY, APP_KEY, System
from shared.loops.summary import Summary

READER_KEY = "reader-key-of-the-tests"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;"
OWN = {"Sec-Fetch-Site": "same-origin"}


class World(NamedTuple):
    """What the tests look at. past: of the loop `lived`; keys: of the loop `hostile`, by role."""

    system: System
    past: Summary
    keys: dict[str, list[str]]


@contextmanager
def visitor(url: str, key: str | None = ADMIN_KEY) -> Iterator[httpx.Client]:
    """A client with a session, or without one. It does not follow where it is led."""
    with httpx.Client(base_url=f"{url}/dashboard", timeout=30) as client:
        if key is not None:
            answer = log_in(client, key)
            assert answer.status_code == 303, answer.text
        yield client


def log_in(client: httpx.Client, key: str, to: str = "/dashboard") -> httpx.Response:
    return client.post("/login", data={"key": key, "to": to}, headers=OWN)


def send(client: httpx.Client, path: str, **fields: Any) -> httpx.Response:
    """A form of the dashboard."""
    return client.post(path, data=fields or {"_": ""}, headers=OWN)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.tags: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def text(html: str) -> str:
    """What a page says, its blanks as one."""
    parser = _Text()
    parser.feed(html)
    return re.sub(r"\s+", " ", " ".join(parser.parts))


def tags(html: str) -> list[str]:
    """Every element that a page has; AssertionError if one of them would do something by itself."""
    parser = _Text()
    parser.feed(html)
    assert parser.handlers == []
    return parser.tags


def decide(system: System, events: int, prefix: str = "seen", loop: str | None = None, key: str = APP_KEY) -> None:
    """Ranks two actions, and rewards the first with 1 and the other with 0."""
    path = f"/loops/{loop}" if loop else ""
    base = f"{system.url}{path}/personalizer/v1.0"
    with httpx.Client(headers={"Ocp-Apim-Subscription-Key": key}, timeout=30) as client:
        for number in range(events):
            event = f"{prefix}-{number}"
            actions = [{"id": one, "features": [{"x": one}]} for one in ("a", "b")]
            ranked = client.post(f"{base}/rank", json={"eventId": event, "actions": actions})
            assert ranked.status_code == 201, ranked.text
            value = float(ranked.json()["rewardActionId"] == "a")
            assert client.post(f"{base}/events/{event}/reward", json={"value": value}).status_code == 204
