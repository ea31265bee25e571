"""One function for every path that has none of its own.

Each function costs time when a process starts; these operations are rare. The function's table has the operations
with functions of their own, too: whichever route the platform prefers, and behind a doubled slash.
"""

from collections.abc import Iterable

import azure.functions as func

from shared.errors import ApiError
from shared.serving import cors, http
from shared.serving.routes import Route, Table, with_values

METHODS = list(func.HttpMethod)


def function(routes: Iterable[Route]) -> func.Blueprint:
    """The function `other`, which answers all of `routes`, and 404 to anything else."""
    bp, table = func.Blueprint(), Table(routes)

    @bp.function_name("other")
    @bp.route("{*path}", methods=METHODS)
    async def other(req: func.HttpRequest) -> func.HttpResponse:
        return await dispatch(table, req)

    return bp


async def dispatch(table: Table, req: func.HttpRequest) -> func.HttpResponse:
    """The answer of the route that a request is for."""
    if req.method == "GET" and not req.route_params.get("path"):
        return func.HttpResponse(status_code=302, headers={"Location": "/dashboard"}, mimetype="")
    segments = [segment for segment in req.route_params.get("path", "").split("/") if segment]
    found = table.find(req.method, segments)
    if found is None:
        return cors.preflight(req, http.origins()) or http.marked(req, _not_found(table, req.method, segments))
    route, values = found
    return await route.handler(with_values(req, values))


def _not_found(table: Table, method: str, segments: list[str]) -> func.HttpResponse:
    from shared.serving import hints  # here, because most processes never need it

    return http.refusal(ApiError("ResourceNotFound", hints.not_found(table, method, segments)))
