"""HTTP: rank."""

import azure.functions as func

from shared import events, http, ranking, slots_ranking, slots_wire, wire
from shared.auth import Role
from shared.errors import ApiError
from shared.event_log import LogUnavailable
from shared.service import Service

bp = func.Blueprint()


@http.operation(bp, "POST", "rank", Role.APP)
async def rank(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /rank`: draws an action, logs the decision, answers 201."""
    request = wire.rank_request(req.get_body())
    request.event_id = request.event_id or events.new_id()
    loop = service.loop(http.loop_of(req))
    await service.ready(loop, request.event_id)
    if loop.multi_slot:
        await loop.require(multi_slot=False)
    decision = ranking.decide(request, loop.config, loop.model, loop.hash)
    explained = None
    if loop.config.explain:
        from shared.explanation import explain  # here, because it is rarely asked for, and slow anyway

        explained = explain(decision, loop.model)
    partition, answer = service.partition(decision.event_id), ranking.answer(decision, explained)
    event = ranking.event(decision, loop.loop, deferred=bool(request.defer_activation))
    # Hundreds of objects: while the log is waited for, the next request takes their place in the processor's cache.
    del request, decision
    await _append(service, partition, event)
    return http.answer(answer, 201)


@http.operation(bp, "POST", "multislot/rank", Role.APP)
async def multi_slot_rank(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /multislot/rank`: draws an action for each slot, logs the decision, answers 201."""
    request = slots_wire.rank_request(req.get_body())
    request.event_id = request.event_id or events.new_id()
    loop = service.loop(http.loop_of(req))
    await service.ready(loop, request.event_id)
    await loop.require(multi_slot=True)
    decision = slots_ranking.decide(request, loop.config, loop.model)
    event = slots_ranking.event(decision, loop.loop, deferred=bool(request.defer_activation))
    await _append(service, service.partition(decision.event_id), event)
    return http.answer(slots_ranking.answer(decision), 201)


async def _append(service: Service, partition: int, event: bytes) -> None:
    try:
        await service.interactions.append(partition, event, keep=not service.settings.rank_requires_log)
    except LogUnavailable:
        raise ApiError("OperationNotAllowed", "The event log is away; try again.", retry_after=1) from None
