"""HTTP: what a holdback has measured, and what one would need."""

import math

import azure.functions as func

from shared.auth import Permission
from shared.errors import ApiError
from shared.serving import http, queries
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()


@routes.deployment("GET", "loops/{loop}/holdback", Permission.READ)
async def get_holdback(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /loops/{loop}/holdback`: the lift as measured, and the decisions that a planned one takes."""
    from shared.monitoring import holdback_report  # here, because a process that answers Rank starts without it

    percentage, difference = _number(req, "percentage", 1), _number(req, "difference", 2)
    loop = service.loop(http.loop_of(req))
    return http.json_answer(await holdback_report.report(loop, percentage, difference))


def _number(req: func.HttpRequest, name: str, most: float) -> float | None:
    """A query parameter above 0 and below `most`; raises InvalidRequest."""
    text = queries.value(req.params, name)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < most:
        raise ApiError("InvalidRequest", f"{name} must be a number above 0 and below {most:g}.", target=name)
    return number
