"""One decision of one slot as a reader of events is told it."""

from collections.abc import Callable
from typing import NamedTuple


class Shown(NamedTuple):
    """action: the 1-based number of the one that was shown; p: its logged probability. slot: None of a single one."""

    event_id: str
    at: str
    action: int
    p: float
    reward: float
    slot: str | None = None


# Policy, decision, and the policy's probability of the logged action.
Tell = Callable[[str, Shown, float], None]
