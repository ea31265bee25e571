"""Letting pages of other origins call the service: what browsers ask before, and what they want to see in an answer.

Off unless ALLOWED_ORIGINS names origins. Azure's own CORS has to be off then: it would answer first.
"""

from collections.abc import Sequence

import azure.functions as func

ANY = "*"
# What a browser may remember of it (s); it asks before each of the client's calls else.
REMEMBERED_SECONDS = 7_200
_EXPOSED = "x-ms-error-code, Retry-After, Last-Modified"


def preflight(req: func.HttpRequest, origins: Sequence[str]) -> func.HttpResponse | None:
    """The answer to a browser that asks whether it may send a request; None if it is no such question, or not allowed.

    No cookie nor other credential of a browser counts here, so none is allowed.
    """
    method = req.headers.get("access-control-request-method")
    if req.method != "OPTIONS" or method is None or not _is_allowed(req, origins):
        return None
    headers = {
        "Access-Control-Allow-Methods": method,
        "Access-Control-Allow-Headers": req.headers.get("access-control-request-headers", ""),
        "Access-Control-Max-Age": str(REMEMBERED_SECONDS),
    }
    answer = func.HttpResponse(status_code=204, headers=headers, mimetype="")
    mark(answer, req, origins)
    return answer


def mark(answer: func.HttpResponse, req: func.HttpRequest, origins: Sequence[str]) -> None:
    """Has a browser show an answer to the page that asked, if its origin may see it."""
    answer.headers["Vary"] = "Origin"
    if _is_allowed(req, origins):
        answer.headers["Access-Control-Allow-Origin"] = req.headers["origin"]
        answer.headers["Access-Control-Expose-Headers"] = _EXPOSED


def _is_allowed(req: func.HttpRequest, origins: Sequence[str]) -> bool:
    origin = req.headers.get("origin")
    return origin is not None and (ANY in origins or origin.lower() in origins)
