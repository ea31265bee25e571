"""HTTP: finding, handing over and erasing what is stored about a person or an event."""

import azure.functions as func

from shared.auth import Permission
from shared.serving import http, queries
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()
# Behind the last line of an answer that is not the last one.
GO_ON_HEADER = "x-continuation-token"


@routes.deployment("POST", "loops/{loop}/events/search", Permission.ADMINISTER)
async def search_events(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /loops/{loop}/events/search`: the stored lines that a selection means, as JSON Lines."""
    from shared.admin import selection_body  # here, because a process that answers Rank starts without it
    from shared.trace import event_search

    loop, body = service.loop(http.loop_of(req)), selection_body.search(http.text_of(req))
    found = await event_search.search(loop, selection_body.selected(body), body.token)
    answer = func.HttpResponse(found.lines, mimetype="application/jsonl", charset="utf-8")
    if found.token is not None:
        answer.headers[GO_ON_HEADER] = found.token
    return answer


@routes.deployment("PUT", "loops/{loop}/erasures/{erasureId}", Permission.ADMINISTER)
async def put_erasure(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`PUT /loops/{loop}/erasures/{erasureId}`: 202; the trainer does it. `?dryRun=true` only counts."""
    from shared.admin import erasures, selection_body

    loop, dry = service.loop(http.loop_of(req)), queries.only_flag(req.url, "dryRun")
    body = selection_body.erasure(http.text_of(req))
    return http.json_answer(await erasures.ask(loop, req.route_params["erasureId"], body, dry=dry), 202)


@routes.deployment("GET", "loops/{loop}/erasures/{erasureId}", Permission.ADMINISTER)
async def get_erasure(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /loops/{loop}/erasures/{erasureId}`: how far it is, what it meant, and what is left where."""
    from shared.admin import erasures

    return http.json_answer(await erasures.get(service.loop(http.loop_of(req)), req.route_params["erasureId"]))
