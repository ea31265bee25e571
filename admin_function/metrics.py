"""HTTP: metrics, for Prometheus."""

import azure.functions as func

from shared.auth import Permission
from shared.serving import http
from shared.serving.loop import Serving
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()


@routes.deployment("GET", "metrics", Permission.READ_ALL)
async def get_metrics(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /metrics`: of all loops, counted from the store."""
    return await _report(service)


@routes.deployment("GET", "loops/{loop}/metrics", Permission.READ)
async def get_loop_metrics(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /loops/{loop}/metrics`: of one loop."""
    return await _report(service, service.loop(http.loop_of(req)))


async def _report(service: Service, loop: Serving | None = None) -> func.HttpResponse:
    from shared.monitoring import (  # here, because a process that answers Rank starts without them
        metrics,
        prometheus_text,
    )

    text = await metrics.report(service, loop)
    return func.HttpResponse(text, mimetype=prometheus_text.MEDIA_TYPE, charset=prometheus_text.CHARSET)
