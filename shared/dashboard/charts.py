"""A chart of rewards over time: lines with their intervals, and marks where something was changed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from shared.dashboard import scales
from shared.dashboard.markup import Html, g, join, line, path, svg, text, title
from shared.dashboard.scales import Scale

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 48, 84, 14, 30
DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000
_STEPS_MS = (5, 10, 30, 60, 120, 360, 720, 1440, 2880, 10_080)  # minutes
_LABEL_GAP = 15.0


class Place(NamedTuple):
    """One point of a line, its interval if it has one. at: ms since 1970."""

    at: int
    value: float
    lower: float | None = None
    upper: float | None = None


class Line(NamedTuple):
    """kind: the name of its style. points: None where nothing is known."""

    name: str
    kind: str
    points: Sequence[Place | None]


class Mark(NamedTuple):
    """Something that was changed. at: ms since 1970."""

    at: int
    what: str


def over_time(lines: Sequence[Line], marks: Sequence[Mark], start: int, end: int, label: str) -> Html:
    """start, end: ms since 1970. label: what is to be seen, in words."""
    known = [point for one in lines for point in one.points if point is not None]
    ends = [point.value for point in known] + _ends_of(lines[:1])
    levels = scales.ticks(min(ends, default=0.0), max(ends, default=1.0))
    x = Scale(start, max(end, start + 1), LEFT, WIDTH - RIGHT)
    y = Scale(levels[0], levels[-1], HEIGHT - BOTTOM, TOP)
    return svg(
        [_level(level, y.at(level), scales.digits(levels)) for level in levels],
        _times(x, start, end),
        [_mark(one, x.at(one.at)) for one in marks if start <= one.at <= end],
        [_band(one, x, y) for one in lines],
        [_curve(one, x, y) for one in lines],
        _names(lines, y),
        viewbox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=label,
        cls="chart",
    )


def _ends_of(lines: Sequence[Line]) -> list[float]:
    """The ends of the intervals of lines; those of others may leave the drawing, which they would press flat."""
    known = [point for one in lines for point in one.points if point is not None]
    return [end for point in known for end in (point.lower, point.upper) if end is not None]


def _level(level: float, at: float, digits: int) -> Html:
    written = f"{level:.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return join(
        line(cls="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=at, y2=at),
        text(written, x=LEFT - 8, y=at + 4, text_anchor="end"),
    )


def _times(x: Scale, start: int, end: int) -> list[Html]:
    step = next((one for one in _STEPS_MS if (end - start) / (one * MINUTE_MS) <= 7), _STEPS_MS[-1]) * MINUTE_MS
    form = "%d %b" if step >= DAY_MS else "%H:%M" if end - start <= DAY_MS else "%d %b %H:%M"
    first = start + (-start) % step
    return [
        text(datetime.fromtimestamp(at / 1000, UTC).strftime(form), x=x.at(at), y=HEIGHT - 8, text_anchor="middle")
        for at in range(first, end + 1, step)
    ]


def _mark(mark: Mark, at: float) -> Html:
    """Its words are in the list beside the chart; here they come up where one points at it."""
    return g(
        line(cls="mark", x1=at, x2=at, y1=TOP, y2=HEIGHT - BOTTOM),
        path(cls="flag", d=f"M{at} {TOP}l7 4l-7 4z"),
        title(mark.what),
    )


def _pieces(points: Sequence[Place | None]) -> Iterator[list[Place]]:
    for known, group in groupby(points, key=lambda point: point is not None):
        if known:
            yield [point for point in group if point is not None]


def _curve(one: Line, x: Scale, y: Scale) -> list[Html]:
    drawn = []
    for piece in _pieces(one.points):
        if len(piece) == 1:  # a line of one point has no length
            at, level = x.at(piece[0].at), y.at(piece[0].value)
            drawn.append(path(cls=one.kind, d=f"M{at - 3} {level}h6"))
        else:
            drawn.append(path(cls=one.kind, d="M" + "L".join(f"{x.at(p.at)} {y.at(p.value)}" for p in piece)))
    return drawn


def _band(one: Line, x: Scale, y: Scale) -> list[Html]:
    drawn = []
    for piece in _pieces([p if p is not None and p.lower is not None else None for p in one.points]):
        there = [f"{x.at(p.at)} {y.within(p.upper)}" for p in piece if p.upper is not None]
        back = [f"{x.at(p.at)} {y.within(p.lower)}" for p in reversed(piece) if p.lower is not None]
        if len(piece) > 1:
            drawn.append(path(cls=f"{one.kind}-band", d=f"M{'L'.join([*there, *back])}Z"))
    return drawn


def _names(lines: Sequence[Line], y: Scale) -> list[Html]:
    """The name of each line at its end, moved apart where they would lie over each other."""
    last = [(y.at(known[-1].value), one) for one in lines if (known := [p for p in one.points if p is not None])]
    drawn, lowest = [], float("-inf")
    for level, one in sorted(last, key=lambda each: each[0]):
        lowest = max(level, lowest + _LABEL_GAP)
        drawn.append(text(one.name, cls=f"{one.kind}-name", x=WIDTH - RIGHT + 8, y=lowest + 4))
    return drawn
