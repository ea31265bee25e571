"""HTTP: events of clients that rank by themselves, in batches.

Few applications do so: what reads their batches is imported when one comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import azure.functions as func

from shared.auth import Role
from shared.hubs.event_log import EventLog
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

if TYPE_CHECKING:
    from shared.local_inference.conversion import Line

routes = Routes()


@routes.operation("POST", "logs/interactions", Role.APP)
async def log_interactions(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /logs/interactions`: 204 once all decisions of the batch are in the log."""
    from shared.local_inference import conversion

    return await _log(req, service, conversion.interactions, service.interactions)


@routes.operation("POST", "logs/observations", Role.APP)
async def log_observations(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /logs/observations`: 204 once all rewards and activations of the batch are in the log."""
    from shared.local_inference import conversion

    return await _log(req, service, conversion.observations, service.observations)


async def _log(
    req: func.HttpRequest, service: Service, read: Callable[[bytes, str, str], list[Line]], log: EventLog
) -> func.HttpResponse:
    from shared.local_inference import conversion

    loop = service.loop(http.loop_of(req))
    await loop.ready()
    # A batch takes as long as many requests: others are answered meanwhile.
    lines = await asyncio.to_thread(read, req.get_body(), loop.loop, loop.config.policy.arguments)
    for multi_slot in conversion.kinds(lines):
        await loop.require(multi_slot=multi_slot)
    appends = [log.append(service.partition(line.event_id), line.event) for line in lines]
    failures = [one for one in await asyncio.gather(*appends, return_exceptions=True) if not isinstance(one, bool)]
    if failures:
        raise failures[0]
    return http.no_content()
