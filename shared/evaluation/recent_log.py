"""Which stretch of a loop's log an automatic optimisation compares policies on."""

from typing import NamedTuple

from shared.loops import summaries
from shared.loops.blob_names import Home
from shared.loops.summary import DAY_MS, HOUR_MS
from shared.storage import Storage

# The documented rule: the last two weeks, if they have so much; else as far back as it takes, or as there is log.
DAYS, ENOUGH_BYTES = 14, 20_000_000
MOST_DAYS = 400


class Stretch(NamedTuple):
    """ms since 1970."""

    since: int
    until: int


async def stretch(storage: Storage, home: Home, retention_days: int, now: int) -> Stretch:
    """Up to the end of the hour of `now` (ms). Bytes are those of dsjson that is not compressed.

    Log of which there are no summaries counts for nothing, so that the stretch reaches further back.
    """
    until = now - now % HOUR_MS + HOUR_MS
    days = MOST_DAYS if retention_days < 0 else max(DAYS, min(MOST_DAYS, retention_days))
    oldest = until - days * DAY_MS
    sizes = (await summaries.over(storage, home, until - DAYS * DAY_MS, until)).summary.hours
    found = sum(hour.fates.get("bytes", 0) for hour in sizes.values())
    if found >= ENOUGH_BYTES:
        return Stretch(until - DAYS * DAY_MS, until)
    earlier = (await summaries.over(storage, home, oldest, until - DAYS * DAY_MS)).summary.hours
    for at in sorted(earlier, reverse=True):
        found += earlier[at].fates.get("bytes", 0)
        if found >= ENOUGH_BYTES:
            return Stretch(at, until)
    return Stretch(oldest, until)
