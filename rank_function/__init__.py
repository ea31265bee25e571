"""HTTP: rank."""

import logging
import time

import azure.functions as func

from shared import telemetry
from shared.auth import Role
from shared.hubs import events
from shared.rank import ranking, slots_ranking, slots_wire, wire
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()
_log = logging.getLogger(__name__)


@routes.operation("POST", "rank", Role.APP)
async def rank(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /rank`: draws an action, logs the decision, answers 201."""
    began = time.perf_counter()
    loop = service.loop(http.loop_of(req))
    if loop.quota is not None:
        loop.quota.take()
    unknown: list[str] = []
    request = wire.rank_request(http.text_of(req), unknown)
    request.event_id = request.event_id or events.new_id()
    await service.ready(loop, request.event_id)
    if loop.multi_slot:
        await loop.require(multi_slot=False)
    asked = ranking.ask(request, loop.config)
    if asked.units or loop.config.explain:
        from rank_function import slow  # here, because few requests take long

        decision, explained = await slow.decide(service, loop, asked)
    else:
        pmf = ranking.predict(asked, loop.config, loop.model)
        decision, explained = ranking.draw(asked, loop.config, loop.model, pmf, loop.hash), None
    event_id, model, answer = decision.event_id, decision.model, ranking.answer(decision, explained)
    event = ranking.event(decision, loop.loop, deferred=bool(request.defer_activation))
    if unknown or not request.context_features or not any(request.context_features):
        service.oddities.rank(loop.loop, loop.home, request.context_features, unknown)
    # Hundreds of objects: while the log is waited for, the next request takes their place in the processor's cache.
    del request, asked, decision
    await _append(service, event_id, event)
    _tell(service, loop.loop, event_id, model, began)
    return http.answer(answer, 201)


@routes.operation("POST", "multislot/rank", Role.APP)
async def multi_slot_rank(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /multislot/rank`: draws an action for each slot, logs the decision, answers 201."""
    began = time.perf_counter()
    loop = service.loop(http.loop_of(req))
    if loop.quota is not None:
        loop.quota.take()
    unknown: list[str] = []
    request = slots_wire.rank_request(http.text_of(req), unknown)
    request.event_id = request.event_id or events.new_id()
    await service.ready(loop, request.event_id)
    await loop.require(multi_slot=True)
    asked = slots_ranking.ask(request, loop.config)
    if asked.units:
        from rank_function import slow

        decision = await slow.decide_slots(service, loop, asked)
    else:
        drawn = slots_ranking.predict(asked, loop.config, loop.model)
        decision = slots_ranking.decided(asked, loop.config, loop.model, drawn)
    event = slots_ranking.event(decision, loop.loop, deferred=bool(request.defer_activation))
    service.oddities.rank(loop.loop, loop.home, request.context_features, unknown)
    await _append(service, decision.event_id, event)
    _tell(service, loop.loop, decision.event_id, decision.model, began)
    return http.answer(slots_ranking.answer(decision), 201)


async def _append(service: Service, event_id: str, event: bytes) -> None:
    keep = not service.settings.rank_requires_log
    await service.interactions.append(service.partition(event_id), event, keep=keep)


def _tell(service: Service, loop: str, event_id: str, model: str, began: float) -> None:
    share = service.settings.request_log_share
    telemetry.request(_log, share, "rank", loop, began, event_id=event_id, model_version=model)
