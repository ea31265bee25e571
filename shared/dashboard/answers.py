"""Answers of the dashboard, with the headers that keep a page to itself."""

from collections.abc import Mapping

import azure.functions as func

from shared.dashboard import frame, links
from shared.dashboard.assets import Asset
from shared.dashboard.markup import Child, a, div, h1, p, section
from shared.dashboard.page import NOTHING
from shared.errors import ApiError

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_OWN = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def html(body: bytes, status: int = 200, more: Mapping[str, str] = NOTHING) -> func.HttpResponse:
    """A page."""
    return func.HttpResponse(body, status_code=status, mimetype="text/html", charset="utf-8", headers={**_OWN, **more})


def json(body: bytes, status: int = 200, more: Mapping[str, str] = NOTHING) -> func.HttpResponse:
    """A page's twin."""
    return func.HttpResponse(body, status_code=status, mimetype="application/json", headers={**_OWN, **more})


def see(url: str, more: Mapping[str, str] = NOTHING) -> func.HttpResponse:
    """Leads to another page, which is then asked for with GET."""
    return func.HttpResponse(status_code=303, mimetype="", headers={**_OWN, "Location": url, **more})


def file(data: bytes, name: str, kind: str = "application/octet-stream") -> func.HttpResponse:
    """Something to be saved. name: of ASCII letters, digits, dots and hyphens."""
    headers = {**_OWN, "Content-Disposition": f'attachment; filename="{name}"'}
    return func.HttpResponse(data, mimetype=kind, headers=headers)


def asset(found: Asset) -> func.HttpResponse:
    """A file that a page needs: it never changes under its address."""
    headers = {**_OWN, "Cache-Control": "public, max-age=31536000, immutable"}
    return func.HttpResponse(found.data, mimetype=found.kind, charset="utf-8", headers=headers)


def problem(error: ApiError, *, as_json: bool, bar: Child = None, back: str = links.ROOT) -> func.HttpResponse:
    """What went wrong, in a sentence, and what to do next."""
    more = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    if as_json:
        return json(error.body(), error.status, more)
    away = error.status == 503
    content = section(
        h1(_HEADLINES.get(error.status, "That cannot be done.")),
        [p(line, cls="gap") for line in _lines(error)],
        p("This page tries again by itself.", cls="muted gap") if away else None,
        div(a("Try again" if away else "Go back", cls="button", href=back), cls="gap"),
        cls="card w12",
        role="alert",
    )
    refresh = max(error.retry_after or 0, 5) if away else None
    return html(
        frame.document(_HEADLINES.get(error.status, "Refused"), content, bar, refresh=refresh), error.status, more
    )


_HEADLINES = {
    401: "Sign in again.",
    403: "Your key does not allow that.",
    404: "There is nothing here.",
    429: "Too many attempts.",
    500: "Something went wrong.",
    503: "The service cannot answer that just now.",
}


def _lines(error: ApiError) -> list[str]:
    return [fault.message for fault in error.faults] or [error.message]
