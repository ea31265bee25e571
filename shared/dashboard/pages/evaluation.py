"""One evaluation: a sentence, then every policy on the same events."""

from typing import Any

import msgspec

from shared.auth import Permission
from shared.dashboard import charts, drawings, figures, links, parts
from shared.dashboard.charts import Line, Place
from shared.dashboard.markup import Html, b, code, div, h1, h3, join, p, span
from shared.dashboard.page import Call, Page
from shared.dashboard.pages.evaluations import Row, row_of, state_of
from shared.dashboard.parts import Cell, Column
from shared.evaluation import asking
from shared.evaluation.estimate import Comparison, Estimate
from shared.evaluation.part import BASELINE, ONLINE, RANDOM
from shared.evaluation.result import Result
from shared.monitoring.states import State

FIXED = (ONLINE, BASELINE, RANDOM)
_STYLES = {ONLINE: "online", BASELINE: "baseline", RANDOM: "random"}
_CALLED = {ONLINE: "this loop (Online)", BASELINE: "first action (Baseline1)", RANDOM: "random (BaselineRand)"}


class Evaluation(msgspec.Struct, frozen=True):
    """result: None as long as it is not done. settings: the arguments of each policy that was judged."""

    loop: str
    job: Row
    failed: dict[str, str]
    result: Result | None
    settings: dict[str, str]


async def load(call: Call) -> Evaluation:
    """Raises EvaluationNotFound."""
    job, outcome = await asking.get(call.of, "evaluations", call.given.get("id", ""))
    settings = {one.name: one.arguments for one in job.plan.candidates} if job.plan is not None else {}
    return Evaluation(call.of.loop, row_of(job), job.failed, outcome.result if outcome is not None else None, settings)


def view(data: Evaluation, call: Call) -> Html:
    """The page."""
    if data.result is None:
        return join(_unfinished(data), _ending(data, call))
    return join(
        _sentence(data, data.result, call),
        parts.card(
            _policies(data, data.result, call),
            parts.hint("The dotted line is what this loop earned."),
            name="Policies on the same events",
            more="policies",
        ),
        _course(data.result),
        _notes(data.result),
        _settings(data),
        _ending(data, call),
    )


def _unfinished(data: Evaluation) -> Html:
    is_open = data.job.state in ("waiting", "running")
    events = "" if data.job.events is None else f" It reads {figures.plural(data.job.events, 'event')}."
    sentence = "It is being worked." if data.job.state == "running" else "It waits for its turn."
    told = div(state_of(data.job.state), h1(data.job.name), p(data.job.reason or f"{sentence}{events}", cls="muted"))
    watched: dict[str, Any] = {"data_watch": 3} if is_open else {"data_ended": True}
    return parts.card(told, more="verdict unknown", **watched)


def best(result: Result) -> Estimate | None:
    """The policy to look at first: the one that an optimisation chose, else the best that may be promoted."""
    candidates = [one for one in result.policies if one.verdict is not None]
    chosen = next((one for one in candidates if one.name == result.chosen), None)
    good = [one for one in candidates if one.verdict is not None and one.verdict.promoted]
    return chosen or max(good, key=lambda one: one.value, default=None)


def _with_online(one: Estimate) -> Comparison | None:
    return next((found for found in one.comparisons if found.other == ONLINE), None)


def _sentence(data: Evaluation, result: Result, call: Call) -> Html:
    online = next(one for one in result.policies if one.name == ONLINE)
    found = best(result)
    basis = (
        f"{figures.plural(result.decisions, 'event')}, rewards {result.rewards.lower:g} to {result.rewards.upper:g}."
    )
    state: State = "unknown"
    if not result.decisions:
        word, sentence, about = "No events", "No event of this period can be judged.", " ".join(result.notes)
    elif found is not None and found.verdict is not None and found.verdict.promoted:
        state, word = "ok", "A better policy was found"
        sentence, about = _better(found, online), f"{_difference(found)} {basis}"
    elif found is not None and found.verdict is not None:
        word, sentence = "Nothing better was found", f"{found.name} is not shown to earn more than this loop does."
        about = f"{' '.join(found.verdict.reasons)} {basis}"
    else:
        word, sentence = "Done", f"This loop earned {figures.reward(online.value)} per decision."
        about = basis
    action = _buttons(data, found if state == "ok" else None, call)
    return parts.verdict(state, word, sentence, about, action)


def _range(result: Result) -> str:
    return f"rewards {result.rewards.lower:g} to {result.rewards.upper:g}"


def _better(found: Estimate, online: Estimate) -> str:
    if online.value <= 0:
        return f"{found.name} would earn {figures.reward(found.value - online.value)} more per decision than this loop."
    return f"{found.name} would earn {figures.percent(found.value / online.value - 1)} more than this loop does."


def _difference(found: Estimate) -> str:
    compared = _with_online(found)
    if compared is None:
        return ""
    ends = f"{figures.signed(compared.lower)} to {figures.signed(compared.upper)}"
    smallest = f"the smallest that this log can show is {figures.reward(compared.smallest)}"
    return f"Paired 95 % interval of the difference {ends}; {smallest}."


def _buttons(data: Evaluation, found: Estimate | None, call: Call) -> Html:
    applied = (
        _apply(data, found.name, f"Apply {found.name}", "primary")
        if found is not None and call.may(Permission.ADMINISTER)
        else None
    )
    report = parts.link("Download report", links.of_loop(data.loop, "evaluation-report", id=data.job.id))
    period = join(figures.moment(data.job.since, "%d %b %H:%M"), " to ", figures.moment(data.job.until, "%d %b %H:%M"))
    return div(div(applied, report, cls="buttons"), p(data.job.name, ", ", period, cls="muted small gap"))


def _apply(data: Evaluation, policy: str, name: str, kind: str = "") -> Html:
    url = links.of_loop(data.loop, "evaluation-apply")
    return parts.post(url, name, kind=kind, hidden={"id": data.job.id, "policy": policy})


def _policies(data: Evaluation, result: Result, call: Call) -> Html:
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
    compared = _with_online(one)
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
            _apply(data, one.name, "Apply") if may and one.name in data.settings else None,
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


def _course(result: Result) -> Html | None:
    points = {name: series for name, series in result.series.items() if len(series) > 1}
    if not points:
        return None
    lines = [
        Line(
            name,
            _STYLES.get(name, "random"),
            [Place(one.at, one.value, *((one.lower, one.upper) if name == ONLINE else (None, None))) for one in series],
        )
        for name, series in points.items()
        if name in FIXED or name == result.chosen
    ]
    drawn = charts.over_time(lines, [], result.since, result.until, "Average reward of each policy over the period")
    columns = [Column("from (UTC)"), *(Column(name, numeric=True) for name in points)]
    times = sorted({one.at for series in points.values() for one in series})
    by_time = {name: {one.at: one for one in series} for name, series in points.items()}
    rows = [
        [
            figures.moment(at, "%d %b %H:%M"),
            *(figures.reward(found.value if (found := by_time[name].get(at)) else None) for name in points),
        ]
        for at in times
    ]
    table = parts.grid(columns, rows, "Average reward over time")
    return parts.card(
        parts.drawing(drawn, "Average reward"), parts.folded("As a table", table), name="Over the period", width=8
    )


def _notes(result: Result) -> Html | None:
    lines = [*result.notes]
    lines += [f"{figures.count(count)} events were not judged: {reason}." for reason, count in result.skipped.items()]
    lines += [f"{name} could not be judged: {reason}" for name, reason in result.failed.items()]
    if not lines:
        return None
    return parts.card([p(line, cls="small gap") for line in lines], name="To know", width=4)


def _settings(data: Evaluation) -> Html | None:
    if not data.settings:
        return None
    shown = [join(h3(name), code(arguments)) for name, arguments in data.settings.items()]
    return parts.card(parts.folded("Learning settings of the policies", shown))


def _ending(data: Evaluation, call: Call) -> Html | None:
    if not call.may(Permission.ADMINISTER):
        return None
    url = links.of_loop(data.loop, "evaluation-delete")
    gone = parts.post(url, "Delete it", kind="danger", hidden={"id": data.job.id})
    about = "The evaluation and its figures are gone then; policy, model and log stay as they are."
    return parts.card(parts.folded("Delete this evaluation", p(about, cls="muted small"), gone))


PAGE = Page("Evaluation", load, view, "evaluations")
