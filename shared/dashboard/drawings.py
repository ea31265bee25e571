"""Small drawings: states, sparklines, intervals, bars, histograms. Those beside their numbers are not read out."""

from collections.abc import Sequence

from shared.dashboard import figures, scales
from shared.dashboard.markup import Html, circle, join, line, path, rect, span, svg, text
from shared.dashboard.scales import Scale

# A state is a word, a shape and a colour.
_SHAPES = {
    "ok": join(
        circle(cx=8, cy=8, r=7, cls="soft"),
        path(d="M4.5 8.2l2.3 2.3 4.7-5", cls="stroke"),
    ),
    "warning": join(
        path(d="M8 1.5l7 12.5H1z", cls="soft"),
        path(d="M8 6v4", cls="stroke"),
        circle(cx=8, cy=12, r=1, cls="full"),
    ),
    "critical": join(
        path(d="M5 1h6l4 4v6l-4 4H5l-4-4V5z", cls="soft"),
        path(d="M5.5 5.5l5 5m0-5l-5 5", cls="stroke"),
    ),
    "unknown": join(
        circle(cx=8, cy=8, r=7, cls="soft"),
        path(d="M5 8h6", cls="stroke"),
    ),
}
_HIDDEN = {"aria_hidden": "true", "focusable": "false"}


def shape(state: str) -> Html:
    """The shape of a state: ok, warning, critical or unknown."""
    return svg(_SHAPES[state], viewbox="0 0 16 16", cls="shape", **_HIDDEN)


def state(kind: str, word: str) -> Html:
    """A state as a badge."""
    return span(shape(kind), word, cls=f"state {kind}")


def sparkline(values: Sequence[float | None], width: int = 120, height: int = 28) -> Html | None:
    """None for fewer than two values."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    y = Scale(low, high if high > low else low + 1, height - 3, 3)
    x = Scale(0, len(values) - 1, 2, width - 2)
    points = [f"{x.at(number)} {y.at(value)}" for number, value in enumerate(values) if value is not None]
    drawn = path(cls="online", d=f"M{'L'.join(points)}")
    return svg(drawn, viewbox=f"0 0 {width} {height}", cls="spark", **_HIDDEN)


def interval(
    value: float, lower: float, upper: float, reach: tuple[float, float], zero: float, *, doubtful: bool = False
) -> Html:
    """A point with its interval on a row of a table. reach: of all rows; zero: where a line goes through them."""
    width, height = 300, 28
    x = Scale(*reach, 8, width - 8)
    middle = height / 2
    kind = "doubtful" if doubtful else "known"
    return svg(
        line(cls="zero", x1=x.at(zero), x2=x.at(zero), y1=0, y2=height),
        line(cls=f"whisker {kind}", x1=x.at(lower), x2=x.at(upper), y1=middle, y2=middle),
        [line(cls=f"whisker {kind}", x1=x.at(end), x2=x.at(end), y1=9, y2=19) for end in (lower, upper)],
        circle(cls=f"point {kind}", cx=x.at(value), cy=middle, r=4.5),
        viewbox=f"0 0 {width} {height}",
        cls="forest",
        **_HIDDEN,
    )


def reach_of(values: Sequence[float]) -> tuple[float, float]:
    """Round ends for intervals that are drawn below each other."""
    found = scales.ticks(min(values, default=0.0), max(values, default=1.0), 6)
    return found[0], found[-1]


def lift(value: float, lower: float, upper: float, label: str) -> Html:
    """A relative lift with its interval, on an axis that has 0."""
    levels = scales.ticks(min(lower, 0.0), max(upper, 0.0))
    x = Scale(levels[0], levels[-1], 28, 312)
    axis = [
        join(
            line(cls="zero" if not level else "grid", x1=x.at(level), x2=x.at(level), y1=4, y2=36),
            text(figures.percent(level, sign=bool(level)), x=x.at(level), y=52, text_anchor="middle"),
        )
        for level in levels
    ]
    return svg(
        axis,
        line(cls="whisker known", x1=x.at(lower), x2=x.at(upper), y1=20, y2=20),
        [line(cls="whisker known", x1=x.at(end), x2=x.at(end), y1=13, y2=27) for end in (lower, upper)],
        circle(cls="point known", cx=x.at(value), cy=20, r=5.5),
        viewbox="0 0 340 58",
        role="img",
        aria_label=label,
        cls="wide-drawing",
    )


def bars(rows: Sequence[tuple[str, float, str]], label: str) -> Html:
    """name, number and style (online or random) of each bar, from the same left edge."""
    most = max((number for _, number, _ in rows), default=0) or 1
    x = Scale(0, most, 0, 200)
    drawn = []
    for row, (name, number, kind) in enumerate(rows):
        top = row * 26 + 6
        length = max(x.at(number), 1.0 if number else 0.0)
        drawn += [
            text(name, cls="name", x=0, y=top + 11),
            rect(cls=f"{kind}-fill", x=112, y=top, width=length, height=14, rx=3),
            text(figures.count(number), x=112 + length + 6, y=top + 11),
        ]
    return svg(drawn, viewbox=f"0 0 400 {len(rows) * 26 + 4}", role="img", aria_label=label, cls="wide-drawing")


def histogram(counts: Sequence[float], ends: tuple[str, str, str], label: str) -> Html:
    """ends: what is written below the first bar, the middle and the last bar."""
    most = max(counts, default=0) or 1
    width = 380 / max(len(counts), 1)
    drawn = [
        rect(
            cls="online-fill",
            x=round(10 + place * width + 1, 1),
            y=round(86 - 78 * number / most, 1),
            width=round(max(width - 2, 1), 1),
            height=round(78 * number / most, 1),
            rx=1.5,
        )
        for place, number in enumerate(counts)
        if number
    ]
    places = ((10, "start"), (200, "middle"), (390, "end"))
    named = [text(word, x=at, y=104, text_anchor=anchor) for word, (at, anchor) in zip(ends, places, strict=True)]
    axis = line(cls="axis", x1=10, x2=390, y1=86.5, y2=86.5)
    return svg(drawn, axis, named, viewbox="0 0 400 110", role="img", aria_label=label, cls="wide-drawing")
