"""HTTP: feature importances. They are worked by the timer function `evaluate`."""

import azure.functions as func

from shared.auth import Permission
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service
from shared.serving.versions import Api

routes = Routes()
_PATH = "featureImportances/{featureImportanceId}"


@routes.operation("GET", "featureImportances", Permission.READ, apis=[Api.V2022])
async def page_feature_importances(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /featureImportances`: a page of them."""
    from shared.admin import evaluation_queries  # here, because a process that answers Rank starts without it
    from shared.evaluation import answers_2022, asking

    page = evaluation_queries.page(req.params)
    jobs = await asking.listed(service.loop(http.loop_of(req)), "importances")
    url: str = req.url
    return http.json_answer(answers_2022.paged(jobs, page, url.partition("?")[0].rstrip("/"), {}))


@routes.operation("PUT", _PATH, apis=[Api.V2022])
async def put_feature_importance(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`PUT /featureImportances/{featureImportanceId}`: 200; repeated with the same body, nothing changes."""
    from shared.admin import evaluation_bodies
    from shared.evaluation import asking

    name = _identifier(req)
    body = evaluation_bodies.feature_importance(http.text_of(req))
    await asking.ask(service.loop(http.loop_of(req)), asking.importance(name, body))
    return func.HttpResponse(status_code=200, mimetype="")


@routes.operation("GET", _PATH, Permission.READ, apis=[Api.V2022])
async def get_feature_importance(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /featureImportances/{featureImportanceId}`."""
    from shared.evaluation import answers_2022, asking

    found = await asking.get(service.loop(http.loop_of(req)), "importances", _identifier(req))
    return http.json_answer(answers_2022.importance(*found))


@routes.operation("DELETE", _PATH, apis=[Api.V2022])
async def delete_feature_importance(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`DELETE /featureImportances/{featureImportanceId}`: one that is being worked ends within one part."""
    from shared.evaluation import asking

    await asking.delete(service.loop(http.loop_of(req)), "importances", _identifier(req))
    return http.no_content()


def _identifier(req: func.HttpRequest) -> str:
    from shared.admin import evaluation_queries

    return evaluation_queries.identifier(req.route_params["featureImportanceId"])
