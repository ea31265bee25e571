"""Every loop in a row, those first that need somebody."""

import asyncio
from collections import Counter
from typing import Any

import msgspec

from shared.auth import Permission
from shared.dashboard import drawings, figures, links, parts, standing
from shared.dashboard.markup import Html, a, div, field, h1, join, label, li, p, section, span, ul
from shared.dashboard.page import Call, Page
from shared.dashboard.parts import Cell, Column
from shared.dashboard.standing import Standing
from shared.loops.blob_names import home_of
from shared.loops.config import DEFAULT_LOOP
from shared.monitoring import blobs
from shared.monitoring.headline import Headline, Raised
from shared.monitoring.states import State

READS = 16  # at once
WATCHED_SECONDS = 15
_ORDER: dict[State, int] = {"critical": 0, "warning": 1, "unknown": 2, "ok": 3}


class Row(msgspec.Struct, frozen=True):
    """How a loop stands; None as long as nobody has judged it. points: rewards by six hours. alarms: those raised."""

    name: str
    state: State
    word: str
    standing: Standing | None
    points: list[float | None] = []
    alarms: list[Raised] = []


class Loops(msgspec.Struct, frozen=True):
    """sentence: what to know first."""

    sentence: str
    loops: list[Row]
    through: int


async def load(call: Call) -> Loops:
    """One read for each loop: that of its headline."""
    service, slots = call.service, asyncio.Semaphore(READS)
    await service.registry.refresh()

    async def row(name: str, created: str) -> Row:
        async with slots:
            return _row(name, (await blobs.told(service.storage, home_of(name, created))).value)

    known = {name: record.created for name, record in service.registry.loops.items()}
    found = await asyncio.gather(*(row(*one) for one in {DEFAULT_LOOP: "", **known}.items()))
    rows = sorted(found, key=lambda one: (_ORDER[one.state], one.name))
    return Loops(_sentence(rows), rows, max((one.standing.through for one in rows if one.standing), default=0))


def _row(name: str, found: Headline) -> Row:
    judged = standing.of(found)
    if judged is None:
        return Row(name, "unknown", "No data", None)
    state = "warning" if judged.state == "ok" and found.alarms else judged.state
    return Row(name, state, judged.word, judged, found.points, found.alarms)


def _sentence(rows: list[Row]) -> str:
    urgent = [one for one in rows if one.state == "critical"]
    if urgent:
        first = urgent[0]
        whole = f"One of {figures.plural(len(rows), 'loop')} needs" if len(urgent) == 1 else f"{len(urgent)} loops need"
        return f"{whole} you: {first.name}, {first.word.lower()}."
    if len(rows) == 1 and rows[0].standing is not None:
        return rows[0].standing.sentence
    if len(rows) == 1:
        return "One loop, which has no data yet."
    return f"{len(rows)} loops, and none that needs you."


def _counts(rows: list[Row]) -> str:
    words = Counter(one.word.lower() for one in rows)
    return f"{', '.join(f'{count} {word}' for word, count in words.most_common())}. Worst first."


def view(data: Loops, call: Call) -> Html:
    """The page."""
    columns = [
        Column("loop", sort=True),
        Column("verdict"),
        Column("lift over the baseline, 95 % interval"),
        Column("lift", numeric=True, sort=True),
        Column("decisions, 14 days", numeric=True, sort=True),
        Column("reward", numeric=True, sort=True),
        Column("", wide=True),
        Column("alarms"),
    ]
    lifts = [one.standing.relative for one in data.loops if one.standing is not None and one.standing.relative]
    reach = drawings.reach_of([0.0, *(end for one in lifts for end in (one.lower, one.upper))])
    rows = [_shown(one, reach) for one in data.loops]
    about = p(_counts(data.loops), cls="muted") if len(rows) > 1 else None
    return join(
        section(h1(figures.bound(data.sentence)), about, cls="w12"),
        parts.card(parts.grid(columns, rows, "Loops"), more="table", data_watch=WATCHED_SECONDS),
        _making(call) if call.may(Permission.OWN) else None,
        _demo() if call.service.settings.demo and call.may(Permission.OWN) else None,
    )


def _demo() -> Html:
    about = p("A café, four drinks, and a loop of its own that learns from your clicks.", cls="muted")
    return parts.card(about, div(parts.link("Try it as a visitor", f"{links.ROOT}/demo"), cls="gap"), width=6)


def _shown(one: Row, reach: tuple[float, float]) -> list[Any]:
    found = one.standing
    relative = found.relative if found is not None else None
    url = links.of_loop(one.name, "alarms")
    alarms = [
        li(
            a(alarm.title, href=url),
            " since ",
            figures.moment(alarm.since, "%d %b %H:%M"),
        )
        for alarm in one.alarms
    ]
    return [
        a(one.name, cls="title", href=links.of_loop(one.name)),
        drawings.state(one.state, one.word),
        drawings.interval(relative.value, relative.lower, relative.upper, reach, 0.0)
        if relative is not None
        else span("none yet", cls="muted"),
        Cell(figures.percent(relative.value, sign=True), relative.value) if relative is not None else None,
        Cell(figures.count(found.decisions), found.decisions) if found is not None else None,
        Cell(figures.reward(found.online), found.online) if found is not None else None,
        drawings.sparkline(one.points),
        ul(alarms, cls="plain-list") if alarms else span("none", cls="muted"),
    ]


def _making(call: Call) -> Html:
    made = parts.post(
        f"{links.ROOT}/loops/make",
        "Make the loop",
        div(
            label("Name", span("lower-case letters, digits and hyphens", cls="muted"), for_="loop"),
            field(id="loop", name="loop", required=True, maxlength=63, pattern="[a-z0-9]([a-z0-9\\-]*[a-z0-9])?"),
        ),
        kind="primary",
        cls="fields",
    )
    about = p(
        "Its own settings, policy, model, log and keys. The keys are told once, on the next page.", cls="muted small"
    )
    return parts.card(parts.folded("Make a loop", about, made), width=6)


PAGE = Page("Loops", load, view)
