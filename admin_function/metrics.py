"""HTTP: metrics, for Prometheus."""

import azure.functions as func

from shared import http
from shared.auth import Role
from shared.service import Service
from shared.serving import Serving

bp = func.Blueprint()


@bp.route("metrics", methods=["GET"])
@http.endpoint(Role.OWNER)
async def get_metrics(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /metrics`: of all loops, counted from the store."""
    return await _report(service)


@bp.route("loops/{loop}/metrics", methods=["GET"])
@http.endpoint(Role.ADMIN)
async def get_loop_metrics(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /loops/{loop}/metrics`: of one loop."""
    return await _report(service, service.loop(http.loop_of(req)))


async def _report(service: Service, loop: Serving | None = None) -> func.HttpResponse:
    from shared import exposition, metrics  # here, because a process that answers Rank starts without them

    text = await metrics.report(service, loop)
    return func.HttpResponse(text, mimetype=exposition.MEDIA_TYPE, charset=exposition.CHARSET)
