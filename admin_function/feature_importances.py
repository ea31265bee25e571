"""HTTP: feature importances. What they ask for is checked; then they are refused, like evaluations."""

from typing import NoReturn

import azure.functions as func

from shared.errors import ApiError
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service
from shared.serving.versions import Api

routes = Routes()
_PATH = "featureImportances/{featureImportanceId}"


@routes.operation("GET", "featureImportances", apis=[Api.V2022])
async def page_feature_importances(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /featureImportances`: a page of them."""
    from shared.admin import evaluation_queries  # here, because a process that answers Rank starts without it

    evaluation_queries.page(req.params)
    _missing()


@routes.operation("PUT", _PATH, apis=[Api.V2022])
async def put_feature_importance(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`PUT /featureImportances/{featureImportanceId}`."""
    from shared.admin import evaluation_bodies

    _check_id(req)
    evaluation_bodies.feature_importance(http.text_of(req))
    _missing()


@routes.operation("GET", _PATH, apis=[Api.V2022])
async def get_feature_importance(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /featureImportances/{featureImportanceId}`."""
    _check_id(req)
    _missing()


@routes.operation("DELETE", _PATH, apis=[Api.V2022])
async def delete_feature_importance(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`DELETE /featureImportances/{featureImportanceId}`."""
    _check_id(req)
    _missing()


def _check_id(req: func.HttpRequest) -> None:
    from shared.admin import evaluation_queries

    evaluation_queries.identifier(req.route_params["featureImportanceId"])


def _missing() -> NoReturn:
    raise ApiError("NotImplemented", "Feature importances are not part of this version.")
