"""Requests that are answered as the contract has it, and are most likely a mistake of the application.

All are counted; of the first, and of one in `SECONDS` from then on, a notice says what to change.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from shared import telemetry
from shared.errors import shown
from shared.loops.blob_names import Home
from shared.serving.refusals import NOTED, Refusals

Oddity = Literal["NoContext", "UnknownMembers"]
SECONDS = 600.0
NAMED = 3  # members in a notice

_log = logging.getLogger(__name__)


class Oddities:
    """Those of one process."""

    def __init__(self, counts: Refusals) -> None:
        self._counts = counts
        self._told: dict[tuple[Home, Oddity], float] = {}

    def rank(self, loop: str, home: Home, context: Iterable[Any] | None, unknown: Sequence[str]) -> None:
        """Looks at a Rank. context: the objects of its features; unknown: the names of members that were left out."""
        if unknown:
            names = ", ".join(f"'{shown(name)}'" for name in list(dict.fromkeys(unknown))[:NAMED])
            self._note(loop, home, "UnknownMembers", f"has members that the contract does not know: {names}")
        if not any(context or ()):
            self._note(loop, home, "NoContext", "has no contextFeatures, so that nothing is known of the user")

    def _note(self, loop: str, home: Home, oddity: Oddity, what: str) -> None:
        self._counts.add(home, f"{NOTED}/{oddity}")
        now = time.monotonic()
        if now - self._told.get((home, oddity), float("-inf")) >= SECONDS:
            self._told[home, oddity] = now
            telemetry.notice(_log, f"A Rank {what}. It was answered; personalizer_odd_ranks_total counts such.", loop)
