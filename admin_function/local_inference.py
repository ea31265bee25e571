"""HTTP: events of clients that rank by themselves, in batches.

Few applications do so: what reads their batches is imported when one comes.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import azure.functions as func

from shared import telemetry
from shared.auth import Permission
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
AT_ONCE = 32  # events that are handed to the log before others are answered: about a millisecond
# A batch is read in a thread, and who answers others has to wait for the interpreter's lock as long as this (s), each
# time it is woken up. Python's own 5 ms would make that 20 ms per request.
SHORTEST_TURN = 0.0005


@routes.operation("POST", "logs/interactions", Permission.DECIDE)
async def log_interactions(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /logs/interactions`: 204 once the decisions of the batch are in the log, all that can be."""
    from shared.local_inference import conversion

    return await _log(req, service, conversion.interactions, service.interactions)


@routes.operation("POST", "logs/observations", Permission.DECIDE)
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
    sys.setswitchinterval(SHORTEST_TURN)
    batch = await asyncio.to_thread(read, req.get_body(), loop.loop, loop.config.policy.arguments)
    lines, refused = await _of_its_kind(loop, batch)
    for answer in await _appended(service, log, lines):
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


async def _appended(service: Service, log: EventLog, lines: list[Line]) -> list[bool | BaseException]:
    """What became of each line. They are handed over a few at a time: others are answered in between."""
    answers: list[asyncio.Task[bool]] = []
    for place, line in enumerate(lines):
        answers.append(asyncio.create_task(log.append(service.partition(line.event_id), line.event)))
        if place % AT_ONCE == 0:
            await asyncio.sleep(0)
    return await asyncio.gather(*answers, return_exceptions=True)


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
