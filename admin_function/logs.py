"""HTTP: the joined log of a loop."""

import azure.functions as func

from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()


@routes.operation("GET", "logs/properties")
async def get_logs_properties(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /logs/properties`: from when to when the log reaches."""
    from shared.admin import logs  # here, because a process that answers Rank starts without it

    return http.json_answer(await logs.properties(service.loop(http.loop_of(req))))


@routes.operation("DELETE", "logs")
async def delete_logs(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`DELETE /logs`: the retained log of the loop."""
    from shared.admin import logs

    await logs.delete(service.loop(http.loop_of(req)))
    return http.no_content()
