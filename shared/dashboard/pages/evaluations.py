"""The evaluations of a loop, and the form that asks for one."""

import time
from typing import Any

import msgspec

from shared.auth import Permission
from shared.dashboard import drawings, figures, links, parts
from shared.dashboard.markup import Html, a, button, div, field, form, h3, join, label, p, span, textarea
from shared.dashboard.page import Call, Page
from shared.dashboard.parts import Cell, Column
from shared.evaluation import asking
from shared.evaluation.job import Job, moment
from shared.loops import summaries
from shared.loops.summary import DAY_MS, HOUR_MS
from shared.monitoring.states import State

# The form offers a period of so many days, and shows the days that have decisions.
DAYS = 30
STATES: dict[str, tuple[State, str]] = {
    "waiting": ("unknown", "Waiting"),
    "running": ("unknown", "Running"),
    "completed": ("ok", "Done"),
    "failed": ("critical", "Failed"),
    "timeout": ("critical", "Took too long"),
}


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


def view(data: Evaluations, call: Call) -> Html:
    """The page."""
    return join(
        parts.card(_listed(data), name="Evaluations", width=12, **_watching(data)),
        _asking(data) if call.may(Permission.ADMINISTER) else None,
        _days(data),
    )


def _watching(data: Evaluations) -> dict[str, Any]:
    is_open = any(one.state in ("waiting", "running") for one in data.evaluations)
    return {"data_watch": 3} if is_open else {"data_ended": True}


def _listed(data: Evaluations) -> Html:
    if not data.evaluations:
        return parts.empty(
            "There is none yet.",
            "An evaluation says what other policies would have earned on the same events, and how sure that is.",
        )
    columns = [
        Column("name", sort=True),
        Column("state"),
        Column("period"),
        Column("events", numeric=True, sort=True),
        Column("asked for", sort=True),
    ]
    rows = [
        [
            join(
                a(one.name, cls="title", href=links.of_loop(data.loop, "evaluation", id=one.id)),
                p("looks for a better policy", cls="muted small") if one.optimizes else None,
            ),
            join(state_of(one.state), p(one.reason, cls="muted small") if one.reason else None),
            join(figures.moment(one.since, "%d %b %H:%M"), " to ", figures.moment(one.until, "%d %b %H:%M")),
            Cell("" if one.events is None else figures.count(one.events), one.events),
            Cell(figures.moment(figures.parsed(one.created), "%d %b %H:%M"), one.created),
        ]
        for one in data.evaluations
    ]
    return parts.grid(columns, rows, "Evaluations")


def state_of(word: str) -> Html:
    """A job's state as a badge."""
    return drawings.state(*STATES[word])


def _asking(data: Evaluations) -> Html:
    base = links.of_loop(data.loop, "evaluations")
    period = form(
        div(_time("since", "From (UTC)", data.since), _time("until", "To (UTC)", data.until), cls="fields two"),
        div(
            span(f"{figures.plural(data.decisions, 'decision')} in this period", cls="small"),
            button("Count again", cls="button"),
            cls="buttons gap",
        ),
        method="get",
        action=base,
    )
    asked = parts.post(
        links.of_loop(data.loop, "evaluation-make"),
        "Evaluate",
        div(
            label("Name", for_="name"),
            field(id="name", name="name", required=True, maxlength=256, value="Evaluation"),
        ),
        div(
            label(
                field(type="checkbox", name="optimizes", value="true"), "Look for a better policy, too", cls="choice"
            ),
            span(
                "Tries other learning rates and crossings, and judges the best on events that did not choose it.",
                cls="note",
            ),
        ),
        parts.folded(
            "Compare policies of your own",
            label("One policy a line: its name, a colon, its arguments", for_="policies"),
            textarea(
                id="policies",
                name="policies",
                placeholder="careful: --cb_explore_adf --epsilon 0.05 ...",
                spellcheck="false",
            ),
        ),
        kind="primary",
        hidden={"since": stamp(data.since), "until": stamp(data.until)},
        cls="fields gap",
    )
    about = p("Changes nothing: what it finds can be applied afterwards.", cls="muted small")
    return parts.card(about, h3("Period"), period, asked, name="Ask for an evaluation", width=7)


def _time(name: str, title: str, at: int) -> Html:
    return div(
        label(title, for_=name),
        field(type="datetime-local", id=name, name=name, value=stamp(at)[:16], required=True),
    )


def stamp(at: int) -> str:
    """As a form sends it: ISO 8601 in UTC."""
    return moment(at)


def _days(data: Evaluations) -> Html:
    rows = [(figures.day(one.at), float(one.decisions), "online") for one in data.days]
    label_ = ", ".join(f"{name} {figures.count(number)}" for name, number, _ in rows)
    shown = drawings.bars(rows, label_) if rows else parts.empty("No decisions in the last 30 days.")
    return parts.card(shown, parts.hint("Decisions by day, UTC."), name="What there is to evaluate", width=5)


PAGE = Page("Evaluations", load, view, "evaluations")
