"""HTTP: rank."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

import azure.functions as func

from shared import telemetry
from shared.auth import Permission
from shared.hubs import events
from shared.rank import expense, ranking, slots_ranking, slots_wire, wire
from shared.rank.ranking import Asked
from shared.rank.slots_ranking import SlotsAsked
from shared.rank.wire import AnyRankRequest
from shared.serving import http
from shared.serving.loop import Serving
from shared.serving.routes import Routes
from shared.serving.service import Service

R = TypeVar("R")
routes = Routes()
_log = logging.getLogger(__name__)


@routes.operation("POST", "rank", Permission.DECIDE)
async def rank(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /rank`: draws an action, logs the decision, answers 201."""
    began = time.perf_counter()
    loop = service.loop(http.loop_of(req))
    if loop.quota is not None:
        loop.quota.take()
    asked, deferred = await _asked(service, loop, http.text_of(req))
    if asked.is_dear or loop.config.explain:
        from rank_function import slow  # here, because few requests take long

        decision, explained = await slow.decide(service, loop, asked)
    else:
        pmf = ranking.predict(asked, loop.config, loop.model)
        decision, explained = ranking.draw(asked, loop.config, loop.model, pmf, loop.hash), None
    event_id, model = decision.event_id, decision.model
    event = ranking.event(decision, loop.loop, deferred=deferred)
    answer = http.answer(ranking.answer(decision, explained), 201)
    # Many objects: while the log is waited for, the next request takes their place in the processor's cache.
    del asked, decision
    await _append(service, event_id, event)
    _tell(service, loop.loop, event_id, model, began)
    return answer


@routes.operation("POST", "multislot/rank", Permission.DECIDE)
async def multi_slot_rank(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /multislot/rank`: draws an action for each slot, logs the decision, answers 201."""
    began = time.perf_counter()
    loop = service.loop(http.loop_of(req))
    if loop.quota is not None:
        loop.quota.take()
    asked, deferred = await _slots_asked(service, loop, http.text_of(req))
    if asked.is_dear:
        from rank_function import slow

        decision = await slow.decide_slots(service, loop, asked)
    else:
        drawn = slots_ranking.predict(asked, loop.config, loop.model)
        decision = slots_ranking.decided(asked, loop.config, loop.model, drawn, loop.hash)
    event = slots_ranking.event(decision, loop.loop, deferred=deferred)
    answer = http.answer(slots_ranking.answer(decision), 201)
    await _append(service, decision.event_id, event)
    _tell(service, loop.loop, decision.event_id, decision.model, began)
    return answer


async def _asked(service: Service, loop: Serving, body: bytes) -> tuple[Asked, bool]:
    """What a request asks of the loop's model, and whether it defers its activation."""
    unknown: list[str] = []
    request = _read(body, wire.plain_request, wire.unusual_request, unknown)
    if request is not None:
        request.event_id = request.event_id or events.new_id()
        await service.ready(loop, request.event_id)
        if loop.multi_slot:
            await loop.require(multi_slot=False)
        asked = ranking.ask(request, loop.config.policy.arguments)
        _tell_oddities(service, loop, request, unknown)
        if not asked.is_dear:
            return asked, bool(request.defer_activation)
    from rank_function import slow  # here, because few requests take long

    return await slow.read(service, loop, body)


async def _slots_asked(service: Service, loop: Serving, body: bytes) -> tuple[SlotsAsked, bool]:
    """`_asked` of a multi-slot request."""
    unknown: list[str] = []
    request = _read(body, slots_wire.plain_request, slots_wire.unusual_request, unknown)
    if request is not None:
        request.event_id = request.event_id or events.new_id()
        await service.ready(loop, request.event_id)
        await loop.require(multi_slot=True)
        asked = slots_ranking.ask(request, loop.config.policy.arguments)
        _tell_oddities(service, loop, request, unknown)
        if not asked.is_dear:
            return asked, bool(request.defer_activation)
    from rank_function import slow

    return await slow.read_slots(service, loop, body)


def _read(
    body: bytes, plain: Callable[[bytes], R | None], unusual: Callable[[bytes, list[str]], R], unknown: list[str]
) -> R | None:
    """The request, None if it takes so long to read that others must not wait for it."""
    values = expense.values(body)
    if values > expense.MOST_PLAIN:
        return None
    request = plain(body)
    return unusual(body, unknown) if request is None and values <= expense.MOST_UNUSUAL else request


def _tell_oddities(service: Service, loop: Serving, request: AnyRankRequest[Any], unknown: list[str]) -> None:
    """Of a request that is most likely a mistake; long ones, which are read elsewhere, are not looked at."""
    if unknown or not request.context_features or not any(request.context_features):
        service.oddities.rank(loop.loop, loop.home, request.context_features, unknown)


async def _append(service: Service, event_id: str, event: bytes) -> None:
    keep = not service.settings.rank_requires_log
    await service.interactions.append(service.partition(event_id), event, keep=keep)


def _tell(service: Service, loop: str, event_id: str, model: str, began: float) -> None:
    share = service.settings.request_log_share
    telemetry.request(_log, share, "rank", loop, began, event_id=event_id, model_version=model)
