"""Reading the history of a loop, and remembering the latest of them."""

import asyncio
import time

import msgspec

from shared.dashboard import history, periods
from shared.dashboard.history import History
from shared.dashboard.periods import Period
from shared.loops import summaries
from shared.loops.checkpoint import Checkpoint
from shared.loops.remembered_days import RememberedDays
from shared.loops.summary import FIVE_MINUTES_MS, HOUR_MS, Summary
from shared.serving.loop import Serving

# Histories that a process remembers, each of some 10 KB, and days of summaries, of some 250 KB.
MOST_KNOWN, MOST_DAYS = 64, 64


class Read(msgspec.Struct, frozen=True):
    """A history with the sums that it was made of."""

    history: History
    summary: Summary


_known: dict[tuple[object, ...], History] = {}
_days = RememberedDays(MOST_DAYS)


async def read(loop: Serving, period: str | None, by: str | None) -> Read:
    """The history of a period; without one, of the shortest that has all of the last two weeks."""
    now = round(time.time() * 1000)
    chosen = periods.asked(period or periods.USUAL, by, now)
    found = await _over(loop, chosen)
    if period is None and found.summary.stretches:
        word = periods.shortest(now - min(found.summary.stretches))
        if word != chosen.word:
            chosen = periods.asked(word, by, now)
            found = await _over(loop, chosen)
    return Read(await asyncio.to_thread(history.of, chosen, found), found.summary)


async def known(loop: Serving, state: Checkpoint, period: str | None, by: str | None) -> History:
    """The history of `read`, made anew only where a run has been committed since: it is what pages ask for most.

    state: of the loop, read just now.
    """
    now = round(time.time() * 1000)
    until = periods.asked(period or periods.USUAL, by, now).end
    key = loop.home, period, by, until, state.cut, state.summarised
    found = _known.pop(key, None)
    if found is None:
        found = (await read(loop, period, by)).history
    if not found.damaged:
        _known[key] = found
        if len(_known) > MOST_KNOWN:
            del _known[next(iter(_known))]
    return found


async def _over(loop: Serving, period: Period) -> summaries.Reading:
    span = FIVE_MINUTES_MS if period.span < HOUR_MS else HOUR_MS
    return await summaries.over(loop.storage, loop.home, period.start, period.end, span, _days)
