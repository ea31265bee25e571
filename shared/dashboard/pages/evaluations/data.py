"""The evaluations of a loop, and the decisions that there are to evaluate."""

import time

import msgspec

from shared.dashboard import figures
from shared.dashboard.page import Call
from shared.evaluation import asking
from shared.evaluation.job import Job
from shared.loops import summaries
from shared.loops.summary import DAY_MS, HOUR_MS

# The form offers a period of so many days, and shows the days that have decisions.
DAYS = 30


class Row(msgspec.Struct, frozen=True):
    """One evaluation. since, until: ms since 1970; events: None until its log was read."""

    id: str
    name: str
    created: str
    state: str
    since: int
    until: int
    policies: int
    optimizes: bool
    events: int | None
    reason: str | None


class Day(msgspec.Struct, frozen=True):
    """at: its beginning in UTC, ms since 1970."""

    at: int
    decisions: int


class Evaluations(msgspec.Struct, frozen=True):
    """days: those that have decisions. since, until: what the form begins with; decisions: those of that period."""

    loop: str
    evaluations: list[Row]
    days: list[Day]
    since: int
    until: int
    decisions: int
    through: int


async def load(call: Call) -> Evaluations:
    """The jobs, and the decisions of the last days by hour."""
    loop, now = call.of, round(time.time() * 1000)
    jobs = await asking.listed(loop, "evaluations")
    end = now - now % HOUR_MS + HOUR_MS
    start = now - now % DAY_MS - (DAYS - 1) * DAY_MS
    found = await summaries.over(loop.storage, loop.home, start, end)
    by_hour = {at: hour.fates.get("shown", 0) for at, hour in found.summary.hours.items()}
    days = [
        Day(at, sum(count for hour, count in by_hour.items() if at <= hour < at + DAY_MS))
        for at in range(start, end, DAY_MS)
    ]
    known = [at for at, count in by_hour.items() if count]
    since = figures.parsed(call.given.get("since")) or max(min(known, default=start), now - 14 * DAY_MS)
    until = figures.parsed(call.given.get("until")) or end
    chosen = sum(count for hour, count in by_hour.items() if since - since % HOUR_MS <= hour < until)
    rows = [row_of(job) for job in jobs]
    return Evaluations(loop.loop, rows, [day for day in days if day.decisions], since, until, chosen, found.through)


def row_of(job: Job) -> Row:
    """A job as it is listed."""
    asked, plan = job.asked, job.plan
    events = sum(stretch.events for stretch in plan.stretches) if plan is not None else None
    return Row(
        id=asked.id,
        name=asked.name,
        created=job.created,
        state=job.state,
        since=asked.since,
        until=asked.until,
        policies=len(asked.policies),
        optimizes=asked.optimizes,
        events=events,
        reason=job.reason,
    )
