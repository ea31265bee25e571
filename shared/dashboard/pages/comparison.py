"""Two evaluations side by side: each policy in both, on its own events in each."""

import asyncio

import msgspec

from shared.dashboard import drawings, figures, links, parts
from shared.dashboard.markup import Html, a, b, h1, join, p, section, span
from shared.dashboard.page import Call, Page
from shared.dashboard.pages.evaluations.data import Row, row_of
from shared.dashboard.parts import Cell, Column
from shared.errors import ApiError
from shared.evaluation import asking
from shared.evaluation.estimate import Estimate
from shared.evaluation.part import ONLINE


class Side(msgspec.Struct, frozen=True):
    """One evaluation that is done. policies: by name."""

    job: Row
    decisions: float
    policies: dict[str, Estimate]


class Comparison(msgspec.Struct, frozen=True):
    """The earlier that was asked for on the left."""

    loop: str
    left: Side
    right: Side


async def load(call: Call) -> Comparison:
    """Raises EvaluationNotFound, also for one that is not done."""
    left, right = await asyncio.gather(*(_side(call, call.given.get(name, "")) for name in ("one", "other")))
    if left.job.created > right.job.created:
        left, right = right, left
    return Comparison(call.of.loop, left, right)


async def _side(call: Call, job_id: str) -> Side:
    job, outcome = await asking.get(call.of, "evaluations", job_id)
    if outcome is None or outcome.result is None:
        raise ApiError("EvaluationNotFound", f"{job.asked.name} has no result, so that it cannot be compared.")
    result = outcome.result
    return Side(row_of(job), result.decisions, {one.name: one for one in result.policies})


def view(data: Comparison, call: Call) -> Html:
    """The page."""
    return join(
        section(h1(_sentence(data)), p(_about(data), cls="muted"), cls="w12"),
        parts.card(_sides(data), name="What is compared", width=12),
        parts.card(
            _policies(data),
            parts.hint("The dotted lines are what the loop earned. Lift: over the loop on the same events."),
            name="Policies in both",
            more="policies",
        ),
    )


def _sentence(data: Comparison) -> str:
    left, right = (one.policies[ONLINE].value for one in (data.left, data.right))
    if left == right:
        return f"This loop earned {figures.reward(left)} per decision in both."
    earlier, later = data.left.job.name, data.right.job.name
    if earlier == later:
        earlier, later = "the first one", "the second one"
    return f"This loop earned {figures.reward(left)} in {earlier} and {figures.reward(right)} in {later}."


def _about(data: Comparison) -> str:
    if (data.left.job.since, data.left.job.until) == (data.right.job.since, data.right.job.until):
        return "Both are of the same period."
    return (
        "They are of different periods, with other visitors in each: compare how a policy fares against the loop, "
        "and not its means."
    )


def _sides(data: Comparison) -> Html:
    columns = [
        Column("evaluation"),
        Column("period"),
        Column("decisions", numeric=True),
        Column("policies", numeric=True),
    ]
    rows = [
        [
            a(one.job.name, cls="title", href=links.of_loop(data.loop, "evaluation", id=one.job.id)),
            figures.between(one.job.since, one.job.until),
            figures.count(one.decisions),
            figures.count(len(one.policies)),
        ]
        for one in (data.left, data.right)
    ]
    return parts.grid(columns, rows, "Evaluations")


def _policies(data: Comparison) -> Html:
    sides = (data.left, data.right)
    names = list(dict.fromkeys(name for one in sides for name in one.policies))
    columns = [Column("policy", sort=True)]
    for one in ("first", "second"):
        columns += [
            Column(f"{one}: average reward, 95 % interval"),
            Column("mean", numeric=True, sort=True),
            Column("lift", numeric=True, sort=True),
        ]
    every = [end for one in sides for found in one.policies.values() for end in (found.lower, found.upper)]
    reach = drawings.reach_of(every)
    rows = [[_name(data, name), *(cell for one in sides for cell in _cells(one, name, reach))] for name in names]
    return parts.grid(columns, rows, "Policies in both evaluations")


def _name(data: Comparison, name: str) -> Html:
    """With a word if the two mean other settings by it."""
    found = [one.policies[name].arguments for one in (data.left, data.right) if name in one.policies]
    differs = len(found) == 2 and found[0] != found[1]
    return join(b(name), p("other settings in each", cls="muted small") if differs else None)


def _cells(side: Side, name: str, reach: tuple[float, float]) -> list[Html | Cell | None]:
    found, online = side.policies.get(name), side.policies[ONLINE].value
    if found is None:
        return [span("not in it", cls="muted"), Cell(None), Cell(None)]
    lift = None if name == ONLINE or online <= 0 else found.value / online - 1
    drawn = drawings.interval(found.value, found.lower, found.upper, reach, online, doubtful=bool(found.unreliable))
    return [
        drawn,
        Cell(figures.reward(found.value), found.value),
        Cell(None if lift is None else figures.percent(lift, 1, sign=True), lift),
    ]


PAGE = Page("Comparison", load, view, "evaluations")
