"""HTTP: reward and activate."""

from typing import Literal

import azure.functions as func

from shared import events, http, wire
from shared.auth import Role
from shared.errors import ApiError
from shared.event_log import LogUnavailable
from shared.loops import DEFAULT_LOOP
from shared.service import Service

bp = func.Blueprint()


@bp.route("personalizer/{version}/events/{eventId}/reward", methods=["POST"])
@http.endpoint(Role.APP)
async def reward(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /events/{eventId}/reward`: 204 once the reward is in the log; whether it matches is known later."""
    event_id = wire.event_id(req.route_params["eventId"], "InvalidRewardRequest")
    await _observe(service, event_id, "reward", wire.reward_request(req.get_body()))
    return http.no_content()


@bp.route("personalizer/{version}/events/{eventId}/activate", methods=["POST"])
@http.endpoint(Role.APP)
async def activate(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /events/{eventId}/activate`: the deferred action was shown after all."""
    event_id = wire.event_id(req.route_params["eventId"], "InvalidEventIdToActivate")
    await _observe(service, event_id, "activation", None)
    return http.no_content()


async def _observe(service: Service, event_id: str, kind: Literal["reward", "activation"], value: float | None) -> None:
    event = events.Observation(
        v=events.VERSION,
        loop=DEFAULT_LOOP,
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
