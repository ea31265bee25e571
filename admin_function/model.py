"""HTTP: the model of a loop."""

import azure.functions as func

from shared import configuration, http
from shared.service import Service

bp = func.Blueprint()


@http.operation(bp, "GET", "model/properties")
async def get_model_properties(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /model/properties`: when the first and the current model were made."""
    loop = service.loop(http.loop_of(req))
    return http.json_answer(await configuration.model_properties(loop, service.storage))
