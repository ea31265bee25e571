"""HTTP: events of clients that rank by themselves, which this version does not take: 501 with the error body."""

import azure.functions as func

from shared import http
from shared.auth import Role
from shared.errors import ApiError
from shared.service import Service

bp = func.Blueprint()


def _missing() -> func.HttpResponse:
    raise ApiError("NotImplemented", "Local inference is not part of this version: rank over HTTP.")


@http.operation(bp, "POST", "logs/interactions", Role.APP)
async def log_interactions(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /logs/interactions`."""
    return _missing()


@http.operation(bp, "POST", "logs/observations", Role.APP)
async def log_observations(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /logs/observations`."""
    return _missing()
