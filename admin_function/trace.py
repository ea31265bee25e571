"""HTTP: the trace of one event."""

import azure.functions as func

from shared.auth import Permission
from shared.rank import wire
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()


@routes.deployment("GET", "loops/{loop}/events/{eventId}", Permission.ADMINISTER)
async def get_event(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /loops/{loop}/events/{eventId}`: what became of an event, as far as the log and the hubs know."""
    from shared.trace import search  # here, because a process that answers Rank starts without it

    event_id = wire.event_id(req.route_params["eventId"], "InvalidRequest")
    loop = service.loop(http.loop_of(req))
    return http.json_answer(await search.find(service, loop, event_id))
