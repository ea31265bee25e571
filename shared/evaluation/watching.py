"""Whether rewards have fallen since a policy was applied by itself, so that it is to be taken back."""

from typing import NamedTuple

from shared.loops import summaries
from shared.loops.blob_names import Home
from shared.loops.summary import DAY_MS, FIVE_MINUTES_MS
from shared.monitoring import reward_drop
from shared.storage import Storage

DAYS_BEFORE, DAYS_WATCHED = 7, 14


class Look(NamedTuple):
    """fallen: by how much, in words; empty if rewards have not fallen. over: it need not be watched any longer."""

    fallen: str
    over: bool


async def look(storage: Storage, home: Home, at: int, now: int) -> Look:
    """at: when the policy was put, ms since 1970. The days since then against the days before, the same hours.

    The five minutes in which it was put count for neither.
    """
    end = min(now, at + DAYS_WATCHED * DAY_MS)
    start, until = at - at % FIVE_MINUTES_MS, end - end % FIVE_MINUTES_MS
    found = await summaries.over(storage, home, start - DAYS_BEFORE * DAY_MS, until, FIVE_MINUTES_MS)
    change = reward_drop.change(
        found.summary.within(start + FIVE_MINUTES_MS, until), found.summary.within(start - DAYS_BEFORE * DAY_MS, start)
    )
    fallen = ""
    if change is not None and change.grade != "ok":
        fallen = (
            f"The mean reward of {change.decisions:,.0f} decisions since it was applied is {change.recent:.4f}; in the "
            f"seven days before it was {change.before:.4f} at the same hours."
        )
    return Look(fallen, over=min(now, found.through) >= at + DAYS_WATCHED * DAY_MS)
