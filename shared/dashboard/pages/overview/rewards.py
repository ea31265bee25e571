"""Average rewards over a period, as a chart and as a table."""

from shared.dashboard import assets, charts, figures, history, links, parts, periods
from shared.dashboard.charts import Line, Mark, Place
from shared.dashboard.history import Average, History, Stretch
from shared.dashboard.markup import Html, div, h2, join
from shared.dashboard.pages.overview.data import Overview
from shared.dashboard.parts import Column


def over_time(data: Overview) -> Html:
    """The chart, with its table and the choice of period."""
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
        parts.drawing(chart, "Average reward", **_zooming(data.loop, past)),
        _by_slot(past),
        parts.folded("As a table", _series_table(past)),
        width=8,
        more="stretch",
    )


def _zooming(loop: str, past: History) -> dict[str, str]:
    """What the page's script needs to draw the same series so that it can be zoomed."""
    finest = periods.finest(past.period.end - past.period.start)
    _, _, query = links.of_loop(loop, period=past.period.word, by=finest).partition("?")
    return {
        "data_zoom": assets.url("zoom.js"),
        "data_uplot": assets.url(f"uPlot-{assets.UPLOT}.iife.min.js"),
        "data_uplot_style": assets.url(f"uPlot-{assets.UPLOT}.min.css"),
        "data_twin": f"{links.of_loop(loop)}.json?{query}",
    }


def _by_slot(past: History) -> Html | None:
    if not past.slots:
        return None
    columns = [
        Column("slot"),
        *(Column(name, numeric=True) for name in ("decisions", "this loop", "baseline", "random")),
    ]
    rows = [
        [
            str(one.slot),
            figures.count(one.decisions),
            _with_width(one.online),
            _with_width(one.baseline),
            _with_width(one.random),
        ]
        for one in past.slots
    ]
    return join(
        parts.hint("The chart is of the first slot. Each of them over the whole period:"),
        parts.grid(columns, rows, "Average reward by slot"),
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
