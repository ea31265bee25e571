"""One process's parts, made from its settings: keys, storage, event logs and the loops it serves."""

import asyncio
import contextlib
import functools
import gc
import logging
import os
import time
from collections.abc import Mapping

from shared import auth, telemetry
from shared.auth import Caller, Keys
from shared.errors import ApiError, shown
from shared.hubs import events
from shared.hubs.clients import Sender
from shared.hubs.event_log import EventLog
from shared.loops.blob_names import home_of
from shared.loops.config import DEFAULT_LOOP, new_loop
from shared.loops.registry import Registry
from shared.serving.loop import Serving
from shared.serving.oddities import Oddities
from shared.serving.quota import Quota
from shared.serving.refusals import Refusals
from shared.settings import Settings, load
from shared.storage import Storage

# Set by App Service where its authentication is on, and by nobody where a header could be forged.
PLATFORM_AUTH = "WEBSITE_AUTH_ENABLED"

# A loop that nobody asks for so long (s) gives up the memory of its model; such are looked for so often.
IDLE_SECONDS, REST_SECONDS = 900.0, 60.0

_log = logging.getLogger(__name__)


class Service:
    """Made once per process, on the event loop that answers its requests; connects on first use."""

    def __init__(self, settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
        self.settings, self.storage = settings, Storage(settings)
        self._takes_tokens = settings.entra_roles and environment.get(PLATFORM_AUTH, "").lower() == "true"
        if settings.entra_roles and not self._takes_tokens:
            reason = f"ENTRA_ROLES is on and App Service authentication ({PLATFORM_AUTH}) is not"
            telemetry.notice(_log, f"Tokens are refused: {reason}, so that anybody could claim a role.")
        owner = auth.digests(settings.admin_keys)
        app, overseer = auth.digests(settings.app_keys), auth.digests(settings.reader_keys)
        self.registry = Registry(self.storage, Keys(app, owner=owner, overseer=overseer))
        self._interactions = Sender(settings, settings.interactions_hub)
        self._observations = Sender(settings, settings.observations_hub)
        self.interactions = self._log(self._interactions)
        self.observations = self._log(self._observations)
        self._loops: dict[str, tuple[str, Serving]] = {}  # with the time the loop was made
        self.closing = contextlib.AsyncExitStack()  # what others have made for this process
        self._refusals = Refusals(self.storage)
        self.oddities = Oddities(self._refusals)
        self._frozen = False
        self._next_rest = time.monotonic()  # when loops that nobody asks for are looked for
        self._registered = self.registry.loops  # what the registry had when these were last compared with it

    async def caller(self, loop: str, headers: Mapping[str, str]) -> Caller:
        """What a request may do with a loop, by its key or its token, whichever may do more."""
        by_key = await self.registry.authorize(loop, auth.key_in(headers))
        return auth.caller(by_key, auth.token_roles(headers) if self._takes_tokens else None)

    def loop(self, name: str = DEFAULT_LOOP) -> Serving:
        """The loop as Rank sees it; ResourceNotFound if this process knows of no such loop."""
        if self._registered is not self.registry.loops:
            self._registered = self.registry.loops
            self._forget_deleted()
        created = self.registry.created(name)
        known = self._loops.get(name)
        if known is not None and known[0] == created:
            return known[1]
        if created is None:
            raise ApiError("ResourceNotFound", f"There is no loop '{shown(name)}'.")
        serving = Serving(name, home_of(name, created), self.storage, new_loop(self.settings))
        if self.settings.ranks_per_second:
            serving.quota = Quota(self.settings.ranks_per_second)
        self._loops[name] = created, serving
        return serving

    def _forget_deleted(self) -> None:
        """Lets go of the models of loops that are gone or have been made anew."""
        for name, (created, serving) in list(self._loops.items()):
            if self.registry.created(name) != created:
                serving.close()
                del self._loops[name]

    async def ready(self, loop: Serving, event_id: str) -> None:
        """Waits in a new process only: for the loop's model. Meanwhile the link that this event will take is opened."""
        if loop.loaded:
            await loop.ready()
            if loop.asked >= self._next_rest:
                self._rest(loop.asked)
        else:
            self._interactions.open(self.partition(event_id))
            await loop.ready()
            self._freeze()

    def _freeze(self) -> None:
        """Has the garbage collector pass over what is loaded by now, for it stays.

        It would look at all of it again and again, while no request is answered; large requests made that 40 ms every
        few seconds. Once: what a request holds at that moment is never collected if it is in a cycle.
        """
        if not self._frozen:
            self._frozen = True
            gc.freeze()

    def _rest(self, now: float) -> None:
        """Lets go of the models of loops that nobody asks for."""
        self._next_rest = now + REST_SECONDS
        for _, serving in self._loops.values():
            if now - serving.asked > IDLE_SECONDS:
                serving.rest()

    def refused(self, name: str, error: ApiError) -> None:
        """Counts an answer that a request for a loop got; loops that there are not have no counts."""
        created = self.registry.created(name)
        if created is not None:
            self._refusals.count(home_of(name, created), error)

    def partition(self, event_id: str) -> int:
        return events.partition_of(event_id, self.settings.event_hubs_partitions)

    async def close(self) -> None:
        """Sends what is still queued, as far as the hubs answer, and closes all connections."""
        await self.closing.aclose()
        await self._refusals.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.log_timeout_seconds):
                await asyncio.gather(self.interactions.flush(), self.observations.flush())
        await self._interactions.close()
        await self._observations.close()
        await self.storage.close()

    def _log(self, sender: Sender) -> EventLog:
        given = self.settings
        return EventLog(
            sender.send, given.log_timeout_seconds, given.log_buffer_bytes, given.event_hubs_max_event_bytes
        )


@functools.cache
def current() -> Service:
    """The service of this process, made from its environment."""
    return Service(load(os.environ))
