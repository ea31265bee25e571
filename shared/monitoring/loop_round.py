"""One loop in the rounds: what was known of it at its last turn, and what a turn does."""

import asyncio
import logging
from typing import NamedTuple

import msgspec

from shared import telemetry
from shared.loops import apprentice, exploring, stored, summaries
from shared.loops.blob_names import Home
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.loops.stored import Damaged
from shared.loops.summary import DAY_MS, HOUR_MS, Summary
from shared.loops.unreadable import LaterVersion
from shared.monitoring import blobs, headline, holdback, lift, verdict
from shared.monitoring.alarms import training
from shared.monitoring.alarms.catalogue import HOURLY
from shared.monitoring.alarms.history import History
from shared.monitoring.alarms.window import DAYS, Window, closed
from shared.monitoring.blobs import Kept
from shared.monitoring.feature_report import DAYS_READ
from shared.monitoring.headline import Headline
from shared.monitoring.heartbeat import Heartbeat
from shared.monitoring.verdict import Seen
from shared.storage import Storage

# Of hours that closed while nobody judged, so many are judged afterwards.
MOST_HOURS = 24
# So long after the last decision the windows are empty, and nothing changes any more.
STILL_MS = 26 * HOUR_MS

_log = logging.getLogger(__name__)


class _Checked(NamedTuple):
    """What is remembered of a checkpoint. etag: None if there is none."""

    etag: str | None = None
    cut: int = 0
    deleted: int = 0
    has_summaries: bool = False
    failure: str | None = None
    is_damaged: bool = False


class LoopRound:
    """Raises Conflict if another process has written what this one was to write: then it is to be begun again."""

    def __init__(self, storage: Storage, loop: str, home: Home, initial: LoopConfig) -> None:
        self._storage, self._loop, self._home, self._initial = storage, loop, home, initial
        self._config, self._checked, self._is_known = initial, _Checked(), False
        self._alarms, self._told = Kept(History(), None), Kept(Headline(), None)

    async def turn(self, beat: Heartbeat, now: float) -> bool:
        """True if there was something to do. now: s since 1970."""
        await self._look()
        checked = self._checked
        if checked.etag is None and not checked.is_damaged:
            return False
        before = self._alarms.value
        lag = beat.lag(self._loop, now) if beat.ticked else 0.0
        judged = training.judge(now, lag, checked.failure, is_damaged=checked.is_damaged)
        after = before.after(round(now * 1000), judged)
        told = self._told.value
        is_new = checked.has_summaries and (told.through, told.deleted) != (checked.cut, checked.deleted)
        until = self._due(beat, before, is_new=is_new)
        if is_new or until:
            await self._read(after, until)
        elif after != before:
            await self._keep_alarms(after)
            if after.raised() != before.raised() and checked.has_summaries and not checked.is_damaged:
                await self._read(after, 0)
        return is_new or bool(until) or after != before

    async def _look(self) -> None:
        """Reads the checkpoint if it has changed, and the rest of what is stored at the first turn."""
        try:
            found = await stored.read_checkpoint(self._storage, self._home, self._checked.etag)
        except Damaged as damage:
            self._checked = self._checked._replace(etag=damage.etag, is_damaged=True)
        except LaterVersion:
            self._checked = self._checked._replace(etag=None, is_damaged=True)
        else:
            if found.etag is None:
                self._checked = _Checked()
            elif found.value is not None:
                self._checked = _checked(found.value, found.etag)
                self._config = (await stored.read_config(self._storage, self._home)).value or self._initial
        if not self._is_known and self._checked != _Checked():
            self._alarms = await blobs.alarms(self._storage, self._home)
            self._told = await blobs.told(self._storage, self._home)
            self._is_known = True

    def _due(self, beat: Heartbeat, before: History, *, is_new: bool) -> int:
        """The end of the last hour to be judged (ms), 0 if there is none.

        Everything ranked up to the cut is in the summaries. A loop that the trainer has not left behind has nothing
        older than its reward wait time beyond that.
        """
        through = self._checked.cut
        if self._loop not in beat.behind and beat.ticked:
            through = max(through, round((beat.ticked - self._config.wait) * 1000))
        hour = closed(through)
        is_over = hour > before.judged and self._checked.has_summaries and not self._checked.is_damaged
        return hour if is_over and (is_new or hour - before.seen <= STILL_MS) else 0

    async def _read(self, after: History, until: int) -> None:
        """Judges the hours that have closed until then, and makes the headline."""
        state = (await stored.read_checkpoint(self._storage, self._home)).value
        if state is None:
            return
        end = closed(state.cut) + HOUR_MS
        days = DAYS + 1 if until else verdict.DAYS
        sampled = until - DAYS_READ * DAY_MS - MOST_HOURS * HOUR_MS if until else None
        found = await summaries.over(self._storage, self._home, end - days * DAY_MS, end, features_from=sampled)
        made = found.summary
        if until:
            after = await asyncio.to_thread(self._judged, after, made, state, until)
        await self._keep_alarms(after)
        await self._keep_headline(made.within(end - verdict.DAYS * DAY_MS, end), state)

    def _judged(self, before: History, made: Summary, state: Checkpoint, until: int) -> History:
        """With the judgements of the hours since the last one; at first those of two hours, which can raise alarms."""
        after, first = before, until - HOUR_MS
        if before.judged:
            first = max(before.judged + HOUR_MS, until - (MOST_HOURS - 1) * HOUR_MS)
        for hour in range(first, until + 1, HOUR_MS):
            how = exploring.of(self._config, state, hour - DAY_MS)
            window = Window(made, hour, self._config, how, state.calibration)
            after = after.after(hour, {alarm: judge(window) for alarm, judge in HOURLY.items()})
        shown = [at + HOUR_MS for at, hour in made.hours.items() if hour.fates.get("shown")]
        return msgspec.structs.replace(after, judged=until, seen=max([after.seen, *shown]))

    async def _keep_alarms(self, after: History) -> None:
        """Stores them, and then tells of what has changed."""
        before = self._alarms.value
        if after == before:
            return
        self._alarms = await blobs.keep_alarms(self._storage, self._home, self._alarms, after)
        for change in after.changes:
            if change not in before.changes:
                telemetry.tell(
                    _log, "alarm", self._loop, name=change.alarm, state=change.state, before=change.before,
                    cause=change.cause,
                )  # fmt: skip

    async def _keep_headline(self, made: Summary, state: Checkpoint) -> None:
        report = apprentice.report(state.apprentice, self._config.mode) if state.apprentice is not None else None
        held = self._config.holdback
        measured = holdback.measured(made, held.salt) if held is not None else None
        seen = Seen(
            made.fate("shown"), made.fate("rewarded"), lift.of(made), self._config.mode,
            report.last if report is not None else None, self._alarms.value, measured,
        )  # fmt: skip
        told = headline.of(made, state.cut, _checked(state, None).deleted, seen)
        if told != self._told.value:
            self._told = await blobs.keep_told(self._storage, self._home, self._told, told)


def _checked(state: Checkpoint, etag: str | None) -> _Checked:
    summarised = state.summarised
    deleted = summarised.deleted if summarised is not None else 0
    return _Checked(etag, state.cut, deleted, summarised is not None, state.failure)
