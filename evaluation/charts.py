"""Charts of a result as SVG: a forest plot of policies, and their rewards over time."""

import math
from collections.abc import Sequence
from html import escape

from evaluation.figures import figure
from shared.evaluation.estimate import Estimate
from shared.evaluation.part import ONLINE
from shared.evaluation.result import Point

WIDTH, LABELS, ROW, MARGIN, HEIGHT = 860, 190, 30, 24, 280
# Distinct for most readers, also those who see few colours; dashes tell later ones apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#777777")
DASHES = ("", "6 3", "2 3")


class Scale:
    """From values to places, in pixels."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        least, greatest = min(values), max(values)
        room = (greatest - least) * 0.05 or 0.5
        self.least, self.greatest, self._start, self._end = least - room, greatest + room, start, end

    def __call__(self, value: float) -> float:
        share = (value - self.least) / (self.greatest - self.least)
        return round(self._start + share * (self._end - self._start), 1)

    def ticks(self) -> list[float]:
        """Five values from one end to the other."""
        return [self.least + (self.greatest - self.least) * number / 4 for number in range(5)]

    def text(self, tick: float) -> str:
        """With as many digits as tell it from the others."""
        return f"{tick:.{max(3, math.ceil(1 - math.log10(self.greatest - self.least)))}f}"


def forest(policies: Sequence[Estimate]) -> str:
    """The intervals of policies, one below the other; a line marks what was served."""
    height = ROW * len(policies) + 2 * MARGIN
    ends = [end for one in policies for end in (one.lower, one.upper, one.value)]
    across = Scale(ends, LABELS, WIDTH - MARGIN)
    drawn = [
        f'<line x1="{across(tick)}" x2="{across(tick)}" y1="0" y2="{height - MARGIN}" class="grid"/>'
        f'<text x="{across(tick)}" y="{height - 6}" text-anchor="middle">{across.text(tick)}</text>'
        for tick in across.ticks()
    ]
    for one in policies:
        if one.name == ONLINE:
            place = across(one.value)
            drawn.append(f'<line x1="{place}" x2="{place}" y1="0" y2="{height - MARGIN}" class="served"/>')
    for number, one in enumerate(policies):
        y, faded = ROW * number + ROW / 2 + 4, ' class="doubtful"' if one.unreliable else ""
        label = one.name if len(one.name) <= 26 else one.name[:25] + "…"
        figures = f"{figure(one.value)}, {figure(one.lower)} to {figure(one.upper)}"
        drawn.append(
            f"<g{faded}><title>{escape(one.name)}: {figures}</title>"
            f'<text x="{LABELS - 12}" y="{y + 4}" text-anchor="end">{escape(label)}</text>'
            f'<line x1="{across(one.lower)}" x2="{across(one.upper)}" y1="{y}" y2="{y}" class="interval"/>'
            f'<circle cx="{across(one.value)}" cy="{y}" r="4.5"/></g>'
        )
    return _svg("Average reward with its 95 % interval, by policy", height, drawn)


def series(points: dict[str, list[Point]], times: tuple[str, str]) -> str:
    """Rewards by stretch, a line for each policy. times: the beginning of the first and of the last stretch."""
    every = [point for one in points.values() for point in one]
    if not every:
        return ""
    rows = -(-len(points) // 4)
    across = Scale([point.at for point in every], 60, WIDTH - MARGIN)
    upward = Scale([point.value for point in every], HEIGHT - MARGIN, MARGIN)
    drawn = [
        f'<line x1="60" x2="{WIDTH - MARGIN}" y1="{upward(tick)}" y2="{upward(tick)}" class="grid"/>'
        f'<text x="52" y="{upward(tick) + 4}" text-anchor="end">{upward.text(tick)}</text>'
        for tick in upward.ticks()
    ]
    first, last = min(point.at for point in every), max(point.at for point in every)
    drawn.append(f'<text x="{across(first)}" y="{HEIGHT}" text-anchor="start">{escape(times[0])}</text>')
    if last > first:
        drawn.append(f'<text x="{across(last)}" y="{HEIGHT}" text-anchor="end">{escape(times[1])}</text>')
    for number, (name, one) in enumerate(points.items()):
        style = _style(number)
        places = " ".join(f"{across(point.at)},{upward(point.value)}" for point in one)
        dots = "".join(f'<circle cx="{across(point.at)}" cy="{upward(point.value)}" r="2.5"/>' for point in one)
        drawn.append(f'<g {style}><title>{escape(name)}</title><polyline points="{places}" fill="none"/>{dots}</g>')
        x, y = 60 + number % 4 * 200, HEIGHT + 22 + number // 4 * 20
        label = name if len(name) <= 24 else name[:23] + "…"
        drawn.append(
            f'<g {style}><line x1="{x}" x2="{x + 24}" y1="{y}" y2="{y}"/></g>'
            f'<text x="{x + 30}" y="{y + 4}">{escape(label)}</text>'
        )
    return _svg("Average reward over time, by policy", HEIGHT + 20 + 20 * rows, drawn)


def _style(number: int) -> str:
    colour, dash = COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)]
    return f'stroke="{colour}" fill="{colour}" stroke-width="2" stroke-dasharray="{dash}"'


def _svg(title: str, height: float, drawn: Sequence[str]) -> str:
    box = f'viewBox="0 0 {WIDTH} {height:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box}><title>{title}</title>{"".join(drawn)}</svg>'
