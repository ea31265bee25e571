"""HTTP: reward and activate."""

from typing import Literal

import azure.functions as func

from shared import events, http, wire
from shared.auth import Role
from shared.errors import ApiError
from shared.event_log import LogUnavailable
from shared.service import Service

bp = func.Blueprint()


@http.operation(bp, "POST", "events/{eventId}/reward", Role.APP)
async def reward(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /events/{eventId}/reward`: 204 once the reward is in the log; whether it matches is known later."""
    event_id = wire.event_id(req.route_params["eventId"], "InvalidRewardRequest")
    await _observe(service, http.loop_of(req), event_id, "reward", wire.reward_request(req.get_body()))
    return http.no_content()


@http.operation(bp, "POST", "events/{eventId}/activate", Role.APP)
async def activate(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /events/{eventId}/activate`: the deferred action was shown after all."""
    event_id = wire.event_id(req.route_params["eventId"], "InvalidEventIdToActivate")
    await _observe(service, http.loop_of(req), event_id, "activation", None)
    return http.no_content()


async def _observe(
    service: Service, loop: str, event_id: str, kind: Literal["reward", "activation"], value: float | None
) -> None:
    event = events.Observation(
        v=events.VERSION,
        loop=service.loop(loop).loop,
        id=event_id,
        at=events.now(),
        kind=kind,
        nonce=events.nonce(),
        value=value,
    )
    try:
        await service.observations.append(service.partition(event_id), events.encode(event))
    except LogUnavailable:
        raise ApiError("OperationNotAllowed", "The event log is away; send it again.", retry_after=1) from None
