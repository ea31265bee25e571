"""A loop at a glance: one sentence, one figure with its interval, a row of checks, and only then curves."""

import asyncio

import msgspec

from shared.auth import Permission
from shared.dashboard import charts, drawings, figures, history, links, parts, periods, standing
from shared.dashboard.charts import Line, Mark, Place
from shared.dashboard.history import Average, Bin, History, Stretch
from shared.dashboard.markup import Html, a, b, div, h2, h3, join, li, p, span, strong, ul
from shared.dashboard.page import Call, Page
from shared.dashboard.parts import Column
from shared.dashboard.standing import Check, Standing
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LearningMode, LoopConfig
from shared.loops.reward_sums import DELAYS_MS
from shared.monitoring import blobs


class ModelNow(msgspec.Struct, frozen=True, rename="camel"):
    """The model that serves. learned: events that it knows; waiting: that it still has to learn."""

    version: str
    created: str
    learned: int | None
    waiting: int
    is_learning_anew: bool


class Change(msgspec.Struct, frozen=True):
    """Something that was changed. at: ms since 1970."""

    at: int
    what: str
    undoable: bool = False


class Overview(msgspec.Struct, frozen=True):
    """delays: on-time rewards since the loop began by how long they took: (seconds at most, how many)."""

    loop: str
    mode: LearningMode
    standing: Standing
    checks: list[Check]
    model: ModelNow | None
    changes: list[Change]
    delays: list[tuple[float | None, int]]
    history: History
    through: int


async def load(call: Call) -> Overview:
    """Everything on the page."""
    loop = call.of
    config, state, told, alarms = await asyncio.gather(
        loop.read_config(),
        loop.read_checkpoint(),
        blobs.told(loop.storage, loop.home),
        blobs.alarms(loop.storage, loop.home),
    )
    found = await history.known(loop, state, call.given.get("period"), call.given.get("by"))
    judged = standing.of(told.value)
    if judged is None:  # the evaluator has not come to it yet
        judged = standing.judged((await history.read(loop, None, None)).summary, state, config.mode)
    return Overview(
        loop=loop.loop,
        mode=config.mode,
        standing=judged,
        checks=standing.checks(alarms.value),
        model=model_of(state),
        changes=_changes(config, state),
        delays=_delays(state),
        history=found,
        through=found.through,
    )


def model_of(state: Checkpoint) -> ModelNow | None:
    """None before the first one."""
    if state.model is None:
        return None
    waiting = state.backlog.events if state.backlog is not None else 0
    learned = state.model.learned
    return ModelNow(state.model.version, state.model.created, learned, waiting, state.draft is not None)


def _changes(config: LoopConfig, state: Checkpoint) -> list[Change]:
    """The newest first, as far as they are known."""
    found = []
    if state.model is not None:
        found.append(Change(round(state.model.born * 1000), f"Model {state.model.version} published"))
    if state.replaced is not None:
        found.append(Change(state.replaced.at, "The model was replaced", undoable=True))
    if config.replaced is not None:
        found.append(Change(config.replaced.at, f"Policy {config.policy.name} put into effect", undoable=True))
    edited = figures.parsed(config.edited)
    if edited is not None and edited > 0:
        found.append(Change(edited, "Settings changed"))
    return sorted(found, key=lambda one: -one.at)


def _delays(state: Checkpoint) -> list[tuple[float | None, int]]:
    ends = [*(at / 1000 for at in DELAYS_MS), None]
    return list(zip(ends, state.statistics.delays, strict=True))


def view(data: Overview, call: Call) -> Html:
    """The page."""
    return join(
        _verdict(data.standing),
        _row_of_checks(data),
        _rewards_over_time(data),
        _decisions(data.history),
        _what_changed(data, call),
        _delays_of_rewards(data),
    )


def _verdict(found: Standing) -> Html:
    about = join(figures.bound(found.cause), join(" ", strong(figures.bound(found.next))) if found.next else None)
    return parts.verdict(found.state, found.word, figures.bound(found.sentence), about, figure(found))


def figure(found: Standing) -> Html | None:
    """The lift, large, with its interval below."""
    basis = f", {found.basis}" if found.basis is not None else ""
    if found.relative is not None:
        value, ends = found.relative.value, (found.relative.lower, found.relative.upper)
        ranged = f"{figures.percent(ends[0], sign=True)} to {figures.percent(ends[1], sign=True)}"
        kind = "figure muted" if found.kind == "too-early" else "figure"
        return div(
            p(figures.percent(value, sign=True), cls=kind),
            p(
                f"lift over the baseline{basis}; 95 % interval {ranged}, valid however often you look",
                cls="muted small",
            ),
            drawings.lift(value, *ends, f"Lift {figures.percent(value, sign=True)}, interval {ranged}"),
        )
    if found.lift is None:
        return None
    ranged = f"{figures.signed(found.lift.lower)} to {figures.signed(found.lift.upper)}"
    return div(
        p(figures.signed(found.lift.value), cls="figure"),
        p(f"reward per decision above the baseline{basis}; 95 % interval {ranged}", cls="muted small"),
    )


def _row_of_checks(data: Overview) -> Html:
    shown = [
        li(
            span(drawings.shape(one.state), cls=one.state),
            span(
                b(one.title, span(f": {one.state}", cls="skip")),
                span(figures.bound(one.cause), cls="muted small"),
                join(" ", span(one.next, cls="small")) if one.next and one.state != "ok" else None,
            ),
        )
        for one in data.checks
    ]
    all_of_them = a("All alarms, and how they have stood", href=links.of_loop(data.loop, "alarms"))
    return parts.card(ul(shown, cls="checks"), p(all_of_them, cls="small"), aria_label="Checks")


def _rewards_over_time(data: Overview) -> Html:
    past = data.history
    lines = [
        Line("this loop", "online", _places(past.series, "online")),
        Line("baseline", "baseline", _places(past.series, "baseline")),
        Line("random", "random", _places(past.series, "random", bands=False)),
    ]
    marks = [Mark(one.at, one.what) for one in data.changes]
    known = [one for one in past.series if one.decisions]
    head = div(
        h2("Average reward per decision"),
        _period_switch(data),
        _span_switch(data),
        cls="chart-head",
    )
    if not known:
        nothing = parts.empty("There is nothing to draw yet.", "A decision counts when its reward wait time is over.")
        return parts.card(head, nothing, width=8, more="stretch")
    chart = charts.over_time(lines, marks, past.period.start, past.period.end, _in_words(past))
    return parts.card(
        head,
        parts.drawing(chart, "Average reward"),
        parts.folded("As a table", _series_table(past)),
        width=8,
        more="stretch",
    )


def _places(series: list[Stretch], name: str, *, bands: bool = True) -> list[Place | None]:
    found: list[Place | None] = []
    for one in series:
        value: Average | None = getattr(one, name)
        found.append(None if value is None else Place(one.at, value.mean, *(value.ends if bands else (None, None))))
    return found


def _period_switch(data: Overview) -> Html:
    chosen = data.history.period
    choices = [
        (periods.NAMES[word], links.of_loop(data.loop, period=word), word == chosen.word) for word in periods.PERIODS
    ]
    return parts.switch("Period", choices)


def _span_switch(data: Overview) -> Html:
    chosen = data.history.period
    length = chosen.end - chosen.start
    choices = [
        (f"by {periods.NAMES[word]}", links.of_loop(data.loop, period=chosen.word, by=word), word == chosen.by)
        for word, span_ms in periods.SPANS.items()
        if periods.fits(length, span_ms)
    ]
    return parts.switch("Averages over", choices)


def _in_words(past: History) -> str:
    said = [
        f"{name} {figures.reward(one.mean)}"
        for name, one in (("this loop", past.online), ("the baseline", past.baseline), ("random", past.random))
        if one is not None
    ]
    return f"Average reward per decision over {figures.duration(history.days(past.period) * 86_400)}: {', '.join(said)}"


def _series_table(past: History) -> Html:
    columns = [
        Column("from (UTC)"),
        Column("decisions", numeric=True),
        Column("this loop", numeric=True),
        Column("baseline", numeric=True),
        Column("random", numeric=True),
    ]
    rows = [
        [
            figures.moment(one.at, "%d %b %H:%M"),
            figures.count(one.decisions),
            _with_width(one.online),
            _with_width(one.baseline),
            _with_width(one.random),
        ]
        for one in reversed(past.series)
        if one.decisions
    ]
    return parts.grid(columns, rows, "Average reward over time")


def _with_width(found: Average | None) -> str:
    if found is None:
        return figures.NONE
    return figures.reward(found.mean) + ("" if found.half_width is None else f" ± {figures.reward(found.half_width)}")


def _decisions(past: History) -> Html:
    funnel = past.funnel
    rows = [
        ("ranked", funnel.ranked, "online"),
        ("shown", funnel.shown, "online"),
        ("rewarded", funnel.rewarded, "online"),
        ("default reward", funnel.defaulted, "random"),
        ("not shown", funnel.skipped, "random"),
        ("rewards late", funnel.late, "random"),
        ("of no decision", funnel.orphans, "random"),
    ]
    label = ", ".join(f"{name} {figures.count(number)}" for name, number, _ in rows)
    notes = [f"{figures.plural(past.missing, 'hour')} of this period have no summary."] if past.missing else []
    notes += ["A summary is damaged; its hours are missing."] if past.damaged else []
    return parts.card(
        drawings.bars(rows, label),
        _reward_spread(past.rewards),
        parts.hint("A decision without a reward in time is learned with the default reward."),
        [parts.hint(note) for note in notes],
        width=4,
        name="What became of decisions",
        more="stretch",
    )


def _reward_spread(found: list[Bin]) -> Html | None:
    if not found:
        return None
    spread = drawings.histogram([one.decisions for one in found], _ends(found), _spread_in_words(found))
    return join(h3("Rewards of decisions"), spread)


def _delays_of_rewards(data: Overview) -> Html:
    known = [(_delay(end), count, "online") for end, count in data.delays if count]
    drawn = drawings.bars(known, ", ".join(f"{name} {figures.count(number)}" for name, number, _ in known))
    shown = drawn if known else parts.empty("No reward was in time yet.")
    note = parts.hint("All rewards in time since the loop began.")
    return parts.card(shown, note, width=5, name="How long rewards took")


def _delay(end: float | None) -> str:
    return "longer" if end is None else f"up to {figures.duration(end)}"


def _ends(found: list[Bin]) -> tuple[str, str, str]:
    if not found:
        return "", "", ""
    low, high = found[0].low, found[-1].high
    middle = "" if low is None or high is None or len(found) < 3 else f"{(low + high) / 2:g}"
    return ("below −1" if low is None else f"{low:g}"), middle, ("1 and more" if high is None else f"{high:g}")


def _spread_in_words(found: list[Bin]) -> str:
    most = sorted(found, key=lambda one: -one.decisions)[:2]
    said = [f"{figures.count(one.decisions)} from {'below' if one.low is None else f'{one.low:g}'}" for one in most]
    return f"Decisions by their reward, most of them: {', '.join(said)}"


def _what_changed(data: Overview, call: Call) -> Html:
    columns = [Column("when"), Column("what"), Column("", numeric=True)]
    undoable = next((one for one in data.changes if one.undoable), None)
    may = call.may(Permission.ADMINISTER)
    rows = [
        [
            figures.moment(one.at, "%d %b %H:%M"),
            one.what,
            parts.link("Undo", links.of_loop(data.loop, "undo")) if one is undoable and may else None,
        ]
        for one in data.changes
    ]
    model = data.model
    anew = (
        parts.hint("A new model is learning the log anew; it takes over when it knows what this one knows.")
        if model is not None and model.is_learning_anew
        else None
    )
    shown = (
        parts.grid(columns, rows, "What changed") if rows else parts.empty("Nothing has changed since the loop began.")
    )
    steps = div(
        parts.link("Evaluate this period", links.of_loop(data.loop, "evaluations"), "primary"),
        parts.link("Settings", links.of_loop(data.loop, "settings")),
        cls="buttons gap",
    )
    return parts.card(shown, anew, steps, width=7, name="What changed")


PAGE = Page("Overview", load, view)
