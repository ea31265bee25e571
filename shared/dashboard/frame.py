"""What surrounds the content of every page: head, bar, navigation, footer."""

from shared.auth import Permission
from shared.dashboard import assets, links
from shared.dashboard.markup import Child, Html, a, b, button, div, footer, form, header, join, main, nav, span, tag
from shared.dashboard.visitors import Visitor
from shared.version import VERSION

NAME = "Open Personalizer"
# Pages of a loop by the last part of their path: the name in the navigation, and what it needs.
TABS = {
    "": ("Overview", Permission.READ),
    "actions": ("Actions", Permission.READ),
    "features": ("Features", Permission.READ),
    "evaluations": ("Evaluations", Permission.READ),
    "optimize": ("Optimize", Permission.READ),
    "holdback": ("Holdback", Permission.READ),
    "apprentice": ("Apprentice", Permission.READ),
    "alarms": ("Alarms", Permission.READ),
    "settings": ("Model and settings", Permission.READ),
    "events": ("Events", Permission.ADMINISTER),
}


def document(title: str, content: Child, bar: Child = None, end: Child = None, refresh: int | None = None) -> bytes:
    """A whole page. refresh: after so many seconds a browser asks for it again."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="refresh", content=refresh) if refresh else None,
        tag("title", f"{title} · {NAME}"),
        tag("link", rel="icon", href=assets.url("icon.svg"), type="image/svg+xml"),
        tag("link", rel="stylesheet", href=assets.url("style.css")),
        tag("script", type="module", src=assets.url("page.js")),
    )
    skip = a("Skip to content", cls="skip", href="#main")
    body = tag("body", skip, bar, main(content, id="main", tabindex="-1"), end)
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n".encode()


def bar(visitor: Visitor, loop: str | None = None, tab: str | None = None) -> Html:
    """The bar at the top, and below it the pages of a loop."""
    where = (span("/", cls="muted"), a(b(loop), href=links.of_loop(loop))) if loop is not None else None
    end = form(button("Sign out", cls="plain"), method="post", action=f"{links.ROOT}/logout")
    right = div(span(cls="switch clock", hidden=True), span(visitor.called), end, cls="right")
    top = header(a(NAME, cls="brand", href=links.ROOT), where, right, cls="bar")
    return join(top, _tabs(visitor, loop, tab) if loop is not None else None)


def _tabs(visitor: Visitor, loop: str, current: str | None) -> Html:
    shown = [
        a(name, href=links.of_loop(loop, page), aria_current="page" if page == current else None)
        for page, (name, needed) in TABS.items()
        if visitor.may(needed, loop)
    ]
    return nav(shown, cls="tabs", aria_label="Pages of the loop")


def end(twin: str | None, about: Child = None) -> Html:
    """The footer. twin: the address of the page's data."""
    return footer(
        about,
        a("This page as JSON", href=twin) if twin is not None else None,
        a("API", href="/docs"),
        span(VERSION),
    )
