"""Timer triggers: one run at a time, the next tick waits for the running one."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from datetime import UTC, datetime

from azure.functions.timer import TimerRequest

from local.host.invocation import Function
from local.host.ncrontab import Schedule

log = logging.getLogger("local.host")


def resolve_setting(expression: str) -> str:
    """A `%NAME%` expression is the value of that setting. ValueError names the one that is missing."""
    match = re.fullmatch(r"%([^%]+)%", expression.strip())
    if match is None:
        return expression
    if match[1] not in os.environ:
        raise ValueError(f"the setting {match[1]} is not set; a timer takes its schedule from it")
    return os.environ[match[1]]


class Timer:
    """A timer-triggered function on its schedule."""

    def __init__(self, function: Function, expression: str, run_on_startup: bool = False) -> None:
        self.function = function
        self._schedule = Schedule.parse(resolve_setting(expression))
        self._run_on_startup = run_on_startup
        self._single_flight = asyncio.Lock()
        self._last: datetime | None = None

    async def run_forever(self) -> None:
        """Run on every tick. Ticks that pass while a run is busy are skipped."""
        if self._run_on_startup:
            await self.run_once()
        while True:
            due = self._schedule.next_after(datetime.now(UTC))
            await _sleep_until(due)
            await self.run_once()

    async def run_once(self) -> None:
        """One run, after the one that may be under way. A failure is logged, not raised."""
        async with self._single_flight:
            started = datetime.now(UTC)
            try:
                await self.function(TimerRequest(schedule=self._about(), schedule_status=self._status(started)))
            except Exception:
                log.exception("timer %s failed", self.function.name)
            self._last = started

    def _about(self) -> dict[str, bool]:
        return {"AdjustForDST": True}

    def _status(self, now: datetime) -> dict[str, str]:
        last = (self._last or datetime.min.replace(tzinfo=UTC)).isoformat()
        return {"Last": last, "Next": self._schedule.next_after(now).isoformat(), "LastUpdated": last}


async def _sleep_until(due: datetime) -> None:
    # A loop, because the wall clock and the timer that ends a sleep may disagree by a little.
    while (left := (due - datetime.now(UTC)).total_seconds()) > 0:  # noqa: ASYNC110
        await asyncio.sleep(min(left, 60))
