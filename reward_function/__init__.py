"""HTTP: reward and activate, single-slot and multi-slot."""

import logging
import time
from typing import Literal

import azure.functions as func

from shared import telemetry
from shared.auth import Permission
from shared.hubs import events
from shared.rank import slots_wire, wire
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()
_log = logging.getLogger(__name__)
# SDKs give each call an id, and send it again when they repeat the call.
REQUEST_ID = "x-ms-client-request-id"


@routes.operation("POST", "events/{eventId}/reward", Permission.DECIDE)
async def reward(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /events/{eventId}/reward`: 204 once the reward is in the log; whether it matches is known later."""
    event_id = wire.event_id(req.route_params["eventId"], "InvalidRewardRequest")
    value = wire.reward_request(http.text_of(req))
    loop = await _loop(req, service, multi_slot=False)
    return await _observe(service, event_id, [_observation(req, loop, event_id, "reward", value)])


@routes.operation("POST", "events/{eventId}/activate", Permission.DECIDE)
async def activate(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /events/{eventId}/activate`: the deferred action was shown after all."""
    return await _activate(req, service, multi_slot=False)


@routes.operation("POST", "multislot/events/{eventId}/reward", Permission.DECIDE)
async def multi_slot_reward(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /multislot/events/{eventId}/reward`: rewards of slots; all of them are in the log, or none is."""
    event_id = wire.event_id(req.route_params["eventId"], "InvalidRewardRequest")
    rewards = slots_wire.reward_request(http.text_of(req))
    loop = await _loop(req, service, multi_slot=True)
    observations = [
        _observation(req, loop, event_id, "reward", one.value, one.slot_id, place) for place, one in enumerate(rewards)
    ]
    return await _observe(service, event_id, observations)


@routes.operation("POST", "multislot/events/{eventId}/activate", Permission.DECIDE)
async def multi_slot_activate(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /multislot/events/{eventId}/activate`: the deferred actions were shown, in every slot."""
    return await _activate(req, service, multi_slot=True)


async def _activate(req: func.HttpRequest, service: Service, *, multi_slot: bool) -> func.HttpResponse:
    event_id = wire.event_id(req.route_params["eventId"], "InvalidEventIdToActivate")
    loop = await _loop(req, service, multi_slot=multi_slot)
    return await _observe(service, event_id, [_observation(req, loop, event_id, "activation")])


async def _loop(req: func.HttpRequest, service: Service, *, multi_slot: bool) -> str:
    """The name of the request's loop, whose policy is of the kind that is called."""
    loop = service.loop(http.loop_of(req))
    await loop.ready()
    await loop.require(multi_slot=multi_slot)
    return loop.loop


def _observation(
    req: func.HttpRequest,
    loop: str,
    event_id: str,
    kind: Literal["reward", "activation"],
    value: float | None = None,
    slot: str | None = None,
    place: int = 0,
) -> events.Observation:
    sent = req.headers.get(REQUEST_ID)
    return events.Observation(
        v=events.VERSION,
        loop=loop,
        id=event_id,
        at=events.now(),
        kind=kind,
        nonce=events.repeatable_nonce(sent, kind, place, slot, value) if sent else events.nonce(),
        value=value,
        slot=slot,
    )


async def _observe(service: Service, event_id: str, observations: list[events.Observation]) -> func.HttpResponse:
    began, first = time.perf_counter(), observations[0]
    await service.observations.append(service.partition(event_id), b"".join(map(events.encode, observations)))
    share = service.settings.request_log_share
    telemetry.request(_log, share, "reward", first.loop, began, event_id=event_id, kind=first.kind)
    return http.no_content()
