"""HTTP: events of clients that rank by themselves, in batches.

Few applications do so: what reads their batches is imported when one comes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import azure.functions as func

from shared import telemetry
from shared.auth import Role
from shared.errors import ApiError
from shared.hubs.event_log import EventLog
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

if TYPE_CHECKING:
    from shared.local_inference.conversion import Line, Lines
    from shared.serving.loop import Serving

routes = Routes()
_logger = logging.getLogger(__name__)
MOST_NAMED = 20  # refused events in one line of the log


@routes.operation("POST", "logs/interactions", Role.APP)
async def log_interactions(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /logs/interactions`: 204 once the decisions of the batch are in the log, all that can be."""
    from shared.local_inference import conversion

    return await _log(req, service, conversion.interactions, service.interactions)


@routes.operation("POST", "logs/observations", Role.APP)
async def log_observations(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /logs/observations`: 204 once those of the batch are in the log that can be."""
    from shared.local_inference import conversion

    return await _log(req, service, conversion.observations, service.observations)


async def _log(
    req: func.HttpRequest, service: Service, read: Callable[[bytes, str, str], Lines], log: EventLog
) -> func.HttpResponse:
    """204 if one event at least was logged: a client does not send a batch again of which it is told 400."""
    loop = service.loop(http.loop_of(req))
    await loop.ready()
    # A batch takes as long as many requests: others are answered meanwhile.
    batch = await asyncio.to_thread(read, req.get_body(), loop.loop, loop.config.policy.arguments)
    lines, refused = await _of_its_kind(loop, batch)
    appends = [log.append(service.partition(line.event_id), line.event) for line in lines]
    answers = await asyncio.gather(*appends, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, ApiError):
            refused.append(answer)
        elif isinstance(answer, BaseException):
            raise answer
    if len(refused) == len(batch.taken) + len(batch.refused):
        raise refused[0]
    for error in refused:
        service.refused(loop.loop, error)
    if refused:
        _tell_refused(loop.loop, refused)
    return http.no_content()


async def _of_its_kind(loop: Serving, batch: Lines) -> tuple[list[Line], list[ApiError]]:
    """The events that the loop's policy can learn, and why the others are refused."""
    from shared.local_inference import conversion

    lines, refused = batch.taken, list(batch.refused)
    for multi_slot in conversion.kinds(lines):
        try:
            await loop.require(multi_slot=multi_slot)
        except ApiError as error:
            fit = [line for line in lines if line.multi_slot != multi_slot]
            refused += [error] * (len(lines) - len(fit))
            lines = fit
    return lines, refused


def _tell_refused(loop: str, refused: list[ApiError]) -> None:
    """Says which events of a batch were not logged although others were: their client is not told."""
    reasons = " ".join(dict.fromkeys(error.message for error in refused[:MOST_NAMED]))
    telemetry.notice(_logger, f"{len(refused)} events of a batch of local inference were refused: {reasons}", loop)
