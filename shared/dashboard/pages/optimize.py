"""Automatic optimisation: when policies are compared by themselves, and what came of it."""

import msgspec

from shared.auth import Permission
from shared.dashboard import drawings, figures, links, parts
from shared.dashboard.markup import Html, a, div, field, h1, join, label, p
from shared.dashboard.page import Call, Page
from shared.dashboard.parts import Column
from shared.evaluation import optimization_answers
from shared.evaluation.optimization_answers import OptimizationRun, Optimizations
from shared.monitoring.states import State

STATES: dict[str, tuple[State, str]] = {
    "Running": ("unknown", "Running"),
    "OptimalPolicyApplied": ("ok", "Policy applied"),
    "OnlinePolicyRetained": ("unknown", "Policy kept"),
}
DAY_SECONDS = 86_400


class Optimize(msgspec.Struct, frozen=True):
    """found: as `GET /loops/{loop}/optimizations` answers it. days: how often policies are compared."""

    loop: str
    found: Optimizations
    days: float


async def load(call: Call) -> Optimize:
    """What is stored."""
    config = await call.of.read_config()
    found = await optimization_answers.read(call.of)
    return Optimize(call.of.loop, found, config.auto_optimization.frequency / DAY_SECONDS)


def view(data: Optimize, call: Call) -> Html:
    """The page."""
    found = data.found
    sentence = (
        "It looks for better policies by itself." if found.enabled else "It keeps its policy until you change it."
    )
    about = (
        join(f"Every {data.days:g} days; the next time ", figures.moment(figures.parsed(found.next_run)), ".")
        if found.enabled
        else "Switched on, it compares policies on its own log, and applies one only if it is shown to be better."
    )
    watched = p(f"It watches {found.watched}, and takes it back if rewards fall.", cls="gap") if found.watched else None
    return join(
        parts.card(
            h1(sentence),
            p(about, cls="muted"),
            watched,
            _switch(data) if call.may(Permission.ADMINISTER) else None,
        ),
        parts.card(_runs(data), name="Runs"),
    )


def _switch(data: Optimize) -> Html:
    url, name = links.of_loop(data.loop, "settings-change"), "isAutoOptimizationEnabled"
    if data.found.enabled:
        return div(parts.post(url, "Switch it off", hidden={name: "false"}), cls="gap")
    often = div(
        label("Days between comparisons", for_="days"),
        field(type="number", id="days", name="autoOptimizationDays", min=1, max=365, value=f"{data.days:g}"),
    )
    return parts.post(url, "Switch it on", often, kind="primary", hidden={name: "true"}, cls="fields gap narrow")


def _runs(data: Optimize) -> Html:
    if not data.found.runs:
        return parts.empty("There was none yet.")
    columns = [
        Column("when"),
        Column("log of"),
        Column("this loop", numeric=True),
        Column("baseline", numeric=True),
        Column("best", numeric=True),
        Column("what was done"),
        Column(""),
    ]
    return parts.grid(columns, [_row(data, one) for one in data.found.runs], "Runs")


def _row(data: Optimize, one: OptimizationRun) -> list[Html | str | None]:
    undone = p(f"Taken back: {one.undone.reason}", cls="small") if one.undone is not None else None
    return [
        figures.moment(figures.parsed(one.at), "%d %b %H:%M"),
        join(_short(one.start_time), " to ", _short(one.end_time)),
        figures.reward(one.online),
        figures.reward(one.baseline),
        join(figures.reward(one.best), p(_share(one), cls="muted small")),
        join(
            drawings.state(*STATES[one.status]),
            p(one.policy, cls="small") if one.policy else None,
            p(one.reason, cls="muted small") if one.reason else None,
            undone,
        ),
        a("Evaluation", href=links.of_loop(data.loop, "evaluation", id=one.evaluation_id)),
    ]


def _share(one: OptimizationRun) -> str:
    """What the best earns, as a share of what the baseline earns."""
    if one.best is None or not one.baseline or one.baseline < 0:
        return ""
    return f"{figures.percent(one.best / one.baseline)} of the baseline"


def _short(text: str) -> Html:
    return figures.moment(figures.parsed(text), "%d %b %H:%M")


PAGE = Page("Optimize", load, view, "optimize")
