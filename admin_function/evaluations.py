"""HTTP: evaluations. They are worked by the timer function `evaluate`."""

import uuid

import azure.functions as func

from shared.auth import Permission
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service
from shared.serving.versions import IN_PATH, Api, api_of

routes = Routes()
_PATH = "evaluations/{evaluationId}"


@routes.operation("GET", "evaluations", Permission.READ)
async def list_evaluations(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /evaluations`: all of them in v1.x, in 2022-09-01-preview a page of those that the filter lets through."""
    from shared.admin import evaluation_queries  # here, because a process that answers Rank starts without it
    from shared.evaluation import answers_2022, answers_v1, asking

    loop = service.loop(http.loop_of(req))
    if api_of(req) is Api.V2022:
        page, kind = evaluation_queries.page(req.params), evaluation_queries.evaluation_type(req.params)
        jobs = await asking.listed(loop, "evaluations", kind)
        more = {"filter": req.params["filter"]} if "filter" in req.params else {}
        return http.json_answer(answers_2022.paged(jobs, page, _url(req), more))
    found = [await asking.get(loop, "evaluations", job.asked.id) for job in await asking.listed(loop, "evaluations")]
    preview = _is_preview(req)
    return http.json_answer([answers_v1.answer(*one, preview=preview, brief=True) for one in found])


@routes.operation("POST", "evaluations", apis=[Api.V1])
async def create_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /evaluations`: 201 with the evaluation, which waits to be worked."""
    from shared.admin import evaluation_bodies
    from shared.evaluation import answers_v1, asking

    loop, body = service.loop(http.loop_of(req)), evaluation_bodies.evaluation(http.text_of(req))
    name, preview = str(uuid.uuid4()), _is_preview(req)
    says_empty = "NoLogsExistInDateRange" if preview else "InvalidEvaluationContract"
    await asking.ask(loop, asking.evaluation(name, body, measures=True), says_empty=says_empty)
    answer = http.json_answer(answers_v1.answer(*await asking.get(loop, "evaluations", name), preview=preview), 201)
    answer.headers["Location"] = f"{_url(req)}/{name}"
    return answer


@routes.operation("PUT", _PATH, apis=[Api.V2022])
async def put_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`PUT /evaluations/{evaluationId}`: 200; repeated with the same body, nothing changes."""
    from shared.admin import evaluation_bodies
    from shared.evaluation import asking

    name = _identifier(req)
    body = evaluation_bodies.offline_evaluation(http.text_of(req))
    await asking.ask(service.loop(http.loop_of(req)), asking.evaluation(name, body))
    return func.HttpResponse(status_code=200, mimetype="")


@routes.operation("GET", _PATH, Permission.READ)
async def get_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /evaluations/{evaluationId}`: every result in v1.x, in 2022-09-01-preview those of the time asked for."""
    from shared.admin import evaluation_queries
    from shared.evaluation import answers_2022, answers_v1, asking

    name = _identifier(req)
    window = evaluation_queries.window(req.params) if api_of(req) is Api.V2022 else None
    job, outcome = await asking.get(service.loop(http.loop_of(req)), "evaluations", name)
    if window is not None:
        return http.json_answer(answers_2022.evaluation(job, outcome, window))
    return http.json_answer(answers_v1.answer(job, outcome, preview=_is_preview(req)))


@routes.operation("DELETE", _PATH)
async def delete_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`DELETE /evaluations/{evaluationId}`: one that is being worked ends within one part."""
    from shared.evaluation import asking

    await asking.delete(service.loop(http.loop_of(req)), "evaluations", _identifier(req))
    return http.no_content()


@routes.operation("POST", "configurations/applyFromEvaluation")
async def apply_from_evaluation(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /configurations/applyFromEvaluation`: the trainer learns the log anew with a policy of an evaluation."""
    from shared.admin import evaluation_bodies
    from shared.evaluation import asking

    asked = evaluation_bodies.policy_reference(http.text_of(req))
    await asking.apply(service.loop(http.loop_of(req)), asked.evaluation_id, asked.policy_name)
    return http.no_content()


@routes.deployment("GET", "loops/{loop}/optimizations", Permission.READ)
async def get_optimizations(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /loops/{loop}/optimizations`: what the automatic optimisation of a loop has done, and when it is due."""
    from shared.evaluation import optimization_answers

    return http.json_answer(await optimization_answers.read(service.loop(http.loop_of(req))))


def _identifier(req: func.HttpRequest) -> str:
    from shared.admin import evaluation_queries

    return evaluation_queries.identifier(req.route_params["evaluationId"])


def _is_preview(req: func.HttpRequest) -> bool:
    return bool(req.route_params.get("version") != IN_PATH[0])


def _url(req: func.HttpRequest) -> str:
    """That was called, without its query."""
    url: str = req.url
    return url.partition("?")[0].rstrip("/")
