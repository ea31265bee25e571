"""HTTP: evaluations. What they ask for is checked; then they are refused, for they are not part of this version."""

from typing import NoReturn

import azure.functions as func

from shared.errors import ApiError
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service
from shared.serving.versions import Api, api_of

routes = Routes()


@routes.operation("GET", "evaluations")
async def list_evaluations(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /evaluations`: all of them in v1.x, in 2022-09-01-preview a page of those that the filter lets through."""
    from shared.admin import evaluation_queries  # here, because a process that answers Rank starts without it

    if api_of(req) is Api.V2022:
        evaluation_queries.page(req.params)
        evaluation_queries.evaluation_type(req.params)
    _missing()


@routes.operation("POST", "evaluations", apis=[Api.V1])
async def create_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /evaluations`."""
    from shared.admin import evaluation_bodies

    evaluation_bodies.evaluation(http.text_of(req))
    _missing()


@routes.operation("PUT", "evaluations/{evaluationId}", apis=[Api.V2022])
async def put_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`PUT /evaluations/{evaluationId}`."""
    from shared.admin import evaluation_bodies, evaluation_queries

    evaluation_queries.identifier(req.route_params["evaluationId"])
    evaluation_bodies.offline_evaluation(http.text_of(req))
    _missing()


@routes.operation("GET", "evaluations/{evaluationId}")
async def get_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /evaluations/{evaluationId}`: every result in v1.x, in 2022-09-01-preview those of the time asked for."""
    from shared.admin import evaluation_queries

    evaluation_queries.identifier(req.route_params["evaluationId"])
    if api_of(req) is Api.V2022:
        evaluation_queries.window(req.params)
    _missing()


@routes.operation("DELETE", "evaluations/{evaluationId}")
async def delete_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`DELETE /evaluations/{evaluationId}`."""
    from shared.admin import evaluation_queries

    evaluation_queries.identifier(req.route_params["evaluationId"])
    _missing()


@routes.operation("POST", "configurations/applyFromEvaluation")
async def apply_from_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /configurations/applyFromEvaluation`."""
    from shared.admin import evaluation_bodies

    evaluation_bodies.policy_reference(http.text_of(req))
    _missing()


def _missing() -> NoReturn:
    raise ApiError("NotImplemented", "Evaluations are not part of this version.")
