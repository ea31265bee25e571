"""How many Ranks a process answers for one loop: as many per second as the setting says, a second's worth at once."""

import math
import time
from collections.abc import Callable

from shared.errors import ApiError


class Quota:
    """A bucket of tokens, one for each Rank. per_second: how many tokens it gets; clock: in seconds."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._most, self._clock = per_second, max(1.0, per_second), clock
        self._tokens, self._at = self._most, clock()

    def take(self) -> None:
        """Raises TooManyRequests, with the time after which there is a token, if there is none."""
        now = self._clock()
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens < 1:
            limit = f"This loop may rank {self._per_second:g} times per second"
            wait = math.ceil((1 - self._tokens) / self._per_second)
            raise ApiError("TooManyRequests", f"{limit} (RANKS_PER_SECOND); send fewer requests.", retry_after=wait)
        self._tokens -= 1
