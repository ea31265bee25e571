"""Every loop in a row, those first that need somebody."""

import asyncio

import msgspec

from shared.auth import Permission
from shared.dashboard import drawings, figures, links, parts
from shared.dashboard.markup import Html, a, div, field, h1, join, label, p, section, span
from shared.dashboard.page import Call, Page
from shared.dashboard.parts import Cell, Column
from shared.errors import ApiError
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import DEFAULT_LOOP
from shared.monitoring.states import State
from shared.serving.loop import Serving
from shared.serving.service import Service

READS = 16  # at once
_ORDER: dict[State, int] = {"critical": 0, "warning": 1, "unknown": 2, "ok": 3}


class Row(msgspec.Struct, frozen=True):
    """decisions: joined since the loop began. online, baseline: average rewards since then. through: ms since 1970."""

    name: str
    state: State
    word: str
    decisions: int
    online: float | None
    baseline: float | None
    through: int


class Loops(msgspec.Struct, frozen=True):
    """sentence: what to know first."""

    sentence: str
    loops: list[Row]
    through: int


async def load(call: Call) -> Loops:
    """One read for each loop."""
    service, slots = call.service, asyncio.Semaphore(READS)
    await service.registry.refresh()

    async def row(name: str) -> Row | None:
        async with slots:
            try:
                return await _row(service, name)
            except ApiError:  # deleted meanwhile, or damaged
                return _unreadable(name) if service.registry.created(name) is not None else None

    found = await asyncio.gather(*(row(name) for name in (DEFAULT_LOOP, *sorted(service.registry.loops))))
    rows = sorted((one for one in found if one is not None), key=lambda one: (_ORDER[one.state], one.name))
    return Loops(_sentence(rows), rows, max((one.through for one in rows), default=0))


async def _row(service: Service, name: str) -> Row:
    loop: Serving = service.loop(name)
    state = await loop.read_checkpoint()
    grade, word = _state(state)
    online, baseline = state.statistics.online.mean, state.statistics.baseline.mean
    return Row(name, grade, word, state.statistics.decisions, online, baseline, state.cut)


def _unreadable(name: str) -> Row:
    return Row(name, "critical", "State damaged", 0, None, None, 0)


def _state(state: Checkpoint) -> tuple[State, str]:
    if state.failure is not None:
        return "critical", "Model refused"
    if not state.statistics.decisions:
        return "unknown", "No data"
    if not state.counts.rewarded:
        return "critical", "Rewards missing"
    return ("ok", "Learning") if state.model is not None else ("unknown", "Too early")


def _sentence(rows: list[Row]) -> str:
    urgent = [one for one in rows if one.state == "critical"]
    if urgent:
        first = urgent[0]
        whole = f"One of {figures.plural(len(rows), 'loop')} needs" if len(urgent) == 1 else f"{len(urgent)} loops need"
        return f"{whole} you: {first.name}, {first.word.lower()}."
    if len(rows) == 1:
        return "One loop, and nothing that needs you."
    return f"{len(rows)} loops, and none that needs you."


def view(data: Loops, call: Call) -> Html:
    """The page."""
    columns = [
        Column("loop", sort=True),
        Column("state"),
        Column("decisions", numeric=True, sort=True),
        Column("reward", numeric=True, sort=True),
        Column("baseline", numeric=True, sort=True),
    ]
    rows = [
        [
            a(one.name, cls="title", href=links.of_loop(one.name)),
            drawings.state(one.state, one.word),
            Cell(figures.count(one.decisions), one.decisions),
            Cell(figures.reward(one.online), one.online),
            Cell(figures.reward(one.baseline), one.baseline),
        ]
        for one in data.loops
    ]
    return join(
        section(h1(data.sentence), p("Worst first.", cls="muted") if len(rows) > 1 else None, cls="w12"),
        parts.card(parts.grid(columns, rows, "Loops")),
        _making(call) if call.may(Permission.OWN) else None,
    )


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
