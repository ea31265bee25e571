"""Answers travel zipped to a browser that takes that: pages are text, of which a sixth remains."""

import asyncio
import gzip
import re

import azure.functions as func

from shared.dashboard import assets

# Shorter ones fit in a packet as they are.
LEAST_BYTES = 1_200
LEVEL = 5
TEXT = frozenset(("text/html", "application/json", *assets.KINDS.values()))
_EXCLUDED = re.compile(r"q=0(\.0*)?")


async def zipped(req: func.HttpRequest, answer: func.HttpResponse) -> func.HttpResponse:
    """The same answer, its body zipped beside the event loop if whoever asks takes that and it gains something.

    What a page says of keys cannot be guessed from how well it zips: no other site's request has the session's cookie.
    """
    body = answer.get_body()
    if len(body) < LEAST_BYTES or answer.mimetype not in TEXT or not _is_taken(req):
        return answer
    return func.HttpResponse(
        await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0),
        status_code=answer.status_code,
        headers={**answer.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"},
        mimetype=answer.mimetype,
        charset=answer.charset,
    )


def _is_taken(req: func.HttpRequest) -> bool:
    """Whether Accept-Encoding names gzip and does not exclude it."""
    for one in req.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = one.partition(";")
        if name.strip() == "gzip":
            return _EXCLUDED.fullmatch(weight.strip()) is None
    return False
