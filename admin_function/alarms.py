"""HTTP: the alarms of a loop."""

import azure.functions as func

from shared.auth import Permission
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()


@routes.deployment("GET", "loops/{loop}/alarms", Permission.READ)
async def get_alarms(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /loops/{loop}/alarms`: how they stand, why, what to do, and how they have stood."""
    from shared.monitoring import blobs  # here, because a process that answers Rank starts without them
    from shared.monitoring.alarms.answer import answer

    loop = service.loop(http.loop_of(req))
    return http.json_answer(answer((await blobs.alarms(loop.storage, loop.home)).value))
