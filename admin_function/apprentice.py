"""HTTP: how an apprentice is doing."""

import azure.functions as func

from shared.admin import configuration
from shared.auth import Permission
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()


@routes.deployment("GET", "loops/{loop}/apprentice", Permission.READ)
async def get_apprentice(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /loops/{loop}/apprentice`, of any loop and of `default`: match rate and rewards, lately and in total."""
    loop = service.loop(http.loop_of(req))
    return http.json_answer(await configuration.apprenticeship(loop))
