"""HTTP: evaluations, which this version does not have: 501 with the contract's error body."""

import azure.functions as func

from shared.errors import ApiError
from shared.serving import http
from shared.serving.service import Service

bp = func.Blueprint()


def _missing() -> func.HttpResponse:
    raise ApiError("NotImplemented", "Evaluations are not part of this version.")


@http.operation(bp, "GET", "evaluations")
async def list_evaluations(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /evaluations`."""
    return _missing()


@http.operation(bp, "POST", "evaluations")
async def create_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /evaluations`."""
    return _missing()


@http.operation(bp, "GET", "evaluations/{evaluationId}")
async def get_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /evaluations/{evaluationId}`."""
    return _missing()


@http.operation(bp, "DELETE", "evaluations/{evaluationId}")
async def delete_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`DELETE /evaluations/{evaluationId}`."""
    return _missing()


@http.operation(bp, "POST", "configurations/applyFromEvaluation")
async def apply_from_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /configurations/applyFromEvaluation`."""
    return _missing()
