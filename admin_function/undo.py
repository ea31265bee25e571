"""HTTP: undoing the last change of policy or model."""

import azure.functions as func

from shared.auth import Permission
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()


@routes.deployment("POST", "loops/{loop}/undo", Permission.ADMINISTER)
async def undo_change(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /loops/{loop}/undo`: the policy and the model come back that the last change of either replaced."""
    from shared.admin import undo  # here, because a process that answers Rank starts without it

    return http.json_answer(await undo.undo(service.loop(http.loop_of(req))))
