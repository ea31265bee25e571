"""HTTP: the model of a loop.

What works on models is imported when it is asked for: a process that answers Rank starts without it.
"""

from datetime import datetime
from email.utils import format_datetime

import azure.functions as func

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
    from shared.admin import models

    model = await models.export(service, service.loop(http.loop_of(req)), signed=queries.flag(req.params, "signed"))
    return _answer(model.data, len(model.data), model.modified)


@routes.operation("HEAD", "model")
async def head_model(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`HEAD /model`: age and size."""
    from shared.admin import models

    found = await models.head(service, service.loop(http.loop_of(req)), signed=queries.flag(req.params, "signed"))
    return _answer(b"", found.size, found.modified)


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


def _answer(data: bytes, size: int, modified: datetime) -> func.HttpResponse:
    headers = {"Last-Modified": format_datetime(modified, usegmt=True), "Content-Length": str(size)}
    return func.HttpResponse(data, mimetype="application/octet-stream", headers=headers)
