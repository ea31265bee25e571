"""HTTP: health of the process, and the check of endpoint and key."""

import azure.functions as func

from shared.auth import Permission
from shared.monitoring import health
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service
from shared.serving.versions import Api

routes = Routes()


@routes.deployment("GET", "health", None)
async def get_health(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /health`: liveness, the age of the model, whether the event log answers. Needs no key, tells no names."""
    return http.json_answer(await health.report(service))


@routes.operation("GET", "status", Permission.DECIDE, apis=(Api.V1,))
async def get_status(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /status`: that endpoint and key are good; whoever gets here has a key of the loop."""
    return http.json_answer(health.STATUS)
