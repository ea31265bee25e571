"""Looks at the automatic optimisation of all loops, now and then."""

import logging
import math
import time

from shared import telemetry
from shared.errors import ApiError
from shared.evaluation import optimizer
from shared.loops.config import DEFAULT_LOOP
from shared.loops.unreadable import Unreadable
from shared.serving.service import Service
from shared.storage import Conflict, StorageUnavailable

# Runs are days apart.
EVERY_SECONDS = 30.0

_log = logging.getLogger(__name__)


class Optimizing:
    """The looks of one process. Any number of processes may look: of two, one acts."""

    def __init__(self, parts: Service) -> None:
        self._parts, self._looked = parts, -math.inf

    async def go(self) -> None:
        """One look at each loop, if it is time. A failure is logged, and concerns its loop alone."""
        now = time.monotonic()
        if now - self._looked < EVERY_SECONDS:
            return
        self._looked = now
        await self._parts.registry.refresh()
        for name in (DEFAULT_LOOP, *self._parts.registry.loops):
            await self._look(name)

    async def _look(self, name: str) -> None:
        try:
            await optimizer.look(self._parts.loop(name))
        except Conflict:
            pass  # another evaluator has acted, or somebody has changed the loop: the next look will see it
        except (ApiError, StorageUnavailable, Unreadable, OSError) as error:
            telemetry.error(_log, f"Its automatic optimisation waits: {error}", name)
        except Exception as error:
            telemetry.error(_log, f"Its automatic optimisation failed: {error}", name, error)
