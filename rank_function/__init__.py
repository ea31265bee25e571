"""HTTP: rank."""

import azure.functions as func

from shared import events, http, ranking, wire
from shared.auth import Role
from shared.errors import ApiError
from shared.event_log import LogUnavailable
from shared.service import Service

bp = func.Blueprint()


@bp.route("personalizer/{version}/rank", methods=["POST"])
@http.endpoint(Role.APP)
async def rank(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /rank`: draws an action, logs the decision, answers 201."""
    request = wire.rank_request(req.get_body())
    request.event_id = request.event_id or events.new_id()
    loop = service.loop()
    await service.ready(loop, request.event_id)
    decision = ranking.decide(request, loop.config, loop.model, loop.hash)
    event = ranking.event(decision, loop.loop, deferred=bool(request.defer_activation))
    keep = not service.settings.rank_requires_log
    try:
        await service.interactions.append(service.partition(decision.event_id), event, keep=keep)
    except LogUnavailable:
        raise ApiError("OperationNotAllowed", "The event log is away; try again.", retry_after=1) from None
    return http.answer(ranking.answer(decision), 201)
