"""The health of one process, without names: fit for an unauthenticated probe; and what a caller with a key is told."""

from datetime import UTC, datetime
from typing import Any

from shared.hubs.clients import answers
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.version import VERSION

# The contract's ServiceStatus, in the words of Azure's containers; no caller without a valid key gets to see it.
STATUS = {"service": "personalizer", "apiStatus": "Valid", "apiStatusMessage": "Api Key is valid, no action needed."}


async def report(service: Service) -> dict[str, Any]:
    """`status` is "ok", or "degraded" while the log is away or what is served could not be refreshed."""
    loop = service.loop()
    await loop.current()
    log = service.interactions.reachable and service.observations.reachable and await answers(service.settings)
    fresh = loop.failure is None
    return {
        "status": "ok" if log and fresh else "degraded",
        "version": VERSION,
        "model": {"trained": loop.model is not None, "ageSeconds": _age(loop), "refreshed": fresh},
        "log": {"reachable": log, "dropped": service.interactions.dropped + service.observations.dropped},
    }


def _age(loop: Serving) -> int | None:
    if loop.record is None:
        return None
    return max(0, round((datetime.now(UTC) - datetime.fromisoformat(loop.record.created)).total_seconds()))
