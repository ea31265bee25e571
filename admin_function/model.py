"""HTTP: the model of a loop.

What works on models is imported when it is asked for: a process that answers Rank starts without it.
"""

from email.utils import format_datetime

import azure.functions as func

from shared.errors import ApiError
from shared.serving import http, queries
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()


@routes.operation("GET", "model/properties")
async def get_model_properties(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /model/properties`: when the first and the current model were made."""
    from shared.admin import models

    return http.json_answer(await models.properties(service.loop(http.loop_of(req))))


@routes.operation("GET", "model")
async def get_model(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /model`: the VW model, or with `?signed=true` the signed zip of it."""
    return await _model(req, service)


@routes.operation("HEAD", "model")
async def head_model(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`HEAD /model`: age and size. The host leaves out the body."""
    return await _model(req, service)


@routes.operation("PUT", "model", limit="max_model_bytes")
async def put_model(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`PUT /model`: imports a signed zip."""
    from shared.admin import model_import

    await model_import.put(service, service.loop(http.loop_of(req)), req.get_body())
    return http.no_content()


@routes.operation("DELETE", "model")
async def delete_model(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`DELETE /model`: back to the untrained model."""
    from shared.admin import models

    await models.delete(service.loop(http.loop_of(req)))
    return http.no_content()


async def _model(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    from shared.admin import models

    signed = (queries.value(req.params, "signed") or "false").lower()
    if signed not in ("true", "false"):
        raise ApiError("InvalidRequest", "signed must be true or false.", target="signed")
    model = await models.export(service, service.loop(http.loop_of(req)), signed=signed == "true")
    headers = {"Last-Modified": format_datetime(model.modified, usegmt=True), "Content-Length": str(len(model.data))}
    return func.HttpResponse(model.data, mimetype="application/octet-stream", headers=headers)
