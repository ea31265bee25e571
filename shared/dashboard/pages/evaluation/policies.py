"""Every policy of an evaluation on the same events: intervals beside each other, and a table."""

from shared.auth import Permission
from shared.dashboard import drawings, figures, parts
from shared.dashboard.markup import Html, b, div, join, p, span
from shared.dashboard.page import Call
from shared.dashboard.pages.evaluation.applying import applying
from shared.dashboard.pages.evaluation.data import Evaluation, with_online
from shared.dashboard.parts import Cell, Column
from shared.evaluation.estimate import Estimate
from shared.evaluation.part import BASELINE, ONLINE, RANDOM
from shared.evaluation.result import Result

_CALLED = {ONLINE: "this loop (Online)", BASELINE: "first action (Baseline1)", RANDOM: "random (BaselineRand)"}


def shown(data: Evaluation, result: Result, call: Call) -> Html:
    """The table."""
    columns = [
        Column("policy", sort=True),
        Column("average reward, 95 % interval"),
        Column("mean", numeric=True, sort=True),
        Column("interval", numeric=True),
        Column("difference", numeric=True, sort=True),
        Column("effective events", numeric=True, sort=True, wide=True),
        Column("largest weight", numeric=True, sort=True, wide=True),
        Column(""),
    ]
    online = next(one for one in result.policies if one.name == ONLINE)
    reach = drawings.reach_of([end for one in result.policies for end in (one.lower, one.upper)])
    may = call.may(Permission.ADMINISTER)
    ordered = sorted(result.policies, key=lambda one: -one.value)
    rows = [_row(data, one, online, reach, may=may) for one in ordered]
    return parts.grid(columns, rows, "Policies")


def _row(
    data: Evaluation, one: Estimate, online: Estimate, reach: tuple[float, float], *, may: bool
) -> list[Html | Cell | str | None]:
    compared = with_online(one)
    doubtful = bool(one.unreliable)
    about = p(one.question, cls="muted small")
    interval = f"{figures.reward(one.lower)} to {figures.reward(one.upper)}"
    return [
        join(b(_CALLED.get(one.name, one.name)), about),
        drawings.interval(one.value, one.lower, one.upper, reach, online.value, doubtful=doubtful),
        Cell(figures.reward(one.value), one.value),
        interval,
        Cell(
            "" if compared is None else figures.signed(compared.difference),
            None if compared is None else compared.difference,
        ),
        Cell("" if one.effective is None else figures.count(one.effective), one.effective),
        Cell("" if one.largest_weight is None else f"{one.largest_weight:,.1f}", one.largest_weight),
        div(
            _judgement(one),
            applying(data, one.name, "Apply") if may and one.name in data.settings else None,
            cls="buttons",
        ),
    ]


def _judgement(one: Estimate) -> Html | None:
    if one.unreliable:
        return join(drawings.state("unknown", "Unreliable"), p(" ".join(one.unreliable), cls="muted small"))
    if one.verdict is None:
        return None
    if one.verdict.promoted:
        return drawings.state("ok", "Better")
    return join(span("no better", cls="muted"), p(" ".join(one.verdict.reasons), cls="muted small"))
