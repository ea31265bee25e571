"""How each policy of an evaluation would have fared over its period."""

from shared.dashboard import charts, figures, parts
from shared.dashboard.charts import Line, Place
from shared.dashboard.markup import Html
from shared.dashboard.pages.evaluation.data import FIXED
from shared.dashboard.parts import Column
from shared.evaluation.part import BASELINE, ONLINE, RANDOM
from shared.evaluation.result import Result

_STYLES = {ONLINE: "online", BASELINE: "baseline", RANDOM: "random"}


def shown(result: Result) -> Html | None:
    """The chart; None for a period of one point."""
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
