"""HTTP: health of the process, and the check of endpoint and key."""

import azure.functions as func

from shared.auth import Role
from shared.monitoring import health
from shared.serving import http
from shared.serving.service import Service

bp = func.Blueprint()


@bp.route("health", methods=["GET"])
@http.endpoint(None)
async def get_health(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /health`: liveness, the age of the model, whether the event log answers. Needs no key, tells no names."""
    return http.json_answer(await health.report(service))


@http.operation(bp, "GET", "status", Role.APP)
async def get_status(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /status`: that endpoint and key are good; whoever gets here has a key of the loop."""
    return http.json_answer(health.STATUS)
