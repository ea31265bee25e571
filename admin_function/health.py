"""HTTP: health."""

import azure.functions as func

from shared.monitoring import health
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()


@routes.deployment("GET", "health", None)
async def get_health(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /health`: liveness, the age of the model, whether the event log answers. Needs no key, tells no names."""
    return http.json_answer(await health.report(service))
