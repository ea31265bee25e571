"""Turns for what starts a VW process on behalf of an administrator: one at a time per loop, two per process."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator

from shared.errors import ApiError

AT_ONCE = 2
LONGEST_WAIT = 2.0  # s
# A trial takes a second or two, with a large model some more.
RETRY_AFTER = 5  # s


class Turns:
    """The loops that are trying a policy or a model now."""

    def __init__(self) -> None:
        self._running: set[str] = set()
        self._ended = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def one(self, loop: str) -> AsyncIterator[None]:
        """A turn of this loop's; raises OperationNotAllowed if there is none within LONGEST_WAIT."""
        async with self._ended:
            try:
                async with asyncio.timeout(LONGEST_WAIT):
                    await self._ended.wait_for(lambda: self._is_free(loop))
            except TimeoutError:
                busy = "Another policy or model is being tried; try again."
                raise ApiError("OperationNotAllowed", busy, inner="Busy", retry_after=RETRY_AFTER) from None
            self._running.add(loop)
        try:
            yield
        finally:
            async with self._ended:
                self._running.discard(loop)
                self._ended.notify_all()

    def _is_free(self, loop: str) -> bool:
        return loop not in self._running and len(self._running) < AT_ONCE


@functools.lru_cache(1)
def _turns(_: asyncio.AbstractEventLoop) -> Turns:
    return Turns()


def turn(loop: str) -> contextlib.AbstractAsyncContextManager[None]:
    """A turn of this loop's in this process, which answers its requests on one event loop."""
    return _turns(asyncio.get_running_loop()).one(loop)
