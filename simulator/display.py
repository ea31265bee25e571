"""How a run looks: a panel that is redrawn on a terminal, a line every few seconds anywhere else."""

from __future__ import annotations

import math
import os
import re
import shutil
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TextIO

from simulator.score import Encounter, Score, parts, score

WIDTH, ROWS, COLUMNS = 79, 9, 56
# The chart reaches this far below random and above the best possible, in parts of the distance between them.
BELOW, ABOVE = 0.35, 0.1
BLOCKS = " ▁▂▃▄▅▆▇█"
MOVING = 500
LINE_SECONDS, FRAME_SECONDS = 4.0, 0.5
GREEN, FAINT, PLAIN = "\x1b[32m", "\x1b[2m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run of `seconds` at one instant. `model_age`, in seconds, is None before the first model."""

    name: str
    story: str
    seconds: float
    elapsed: float
    encounters: Sequence[Encounter]
    failed: int
    models: int
    model_age: float | None

    @property
    def rate(self) -> float:
        """Visits a second since the start."""
        return len(self.encounters) / max(self.elapsed, 1e-9)


def cell(value: float, row: int, low: float, high: float) -> str:
    """The part of a bar of height `value` that a row of the chart shows; row 0 is the bottom."""
    eighths = (value - low) / (high - low) * ROWS * 8 - row * 8
    return BLOCKS[max(0, min(8, round(eighths)))]


def chart(snapshot: Snapshot) -> list[str]:
    """The mean reward over time as bars, top row first, with random and best possible as dotted lines."""
    whole = score(snapshot.encounters)
    if whole is None:
        return [""] * ROWS
    span = whole.optimal - whole.uniform
    low, high = whole.uniform - BELOW * span, whole.optimal + ABOVE * span
    bars = parts(snapshot.encounters, snapshot.seconds, COLUMNS)
    marks = {
        _row(whole.optimal, low, high): f"best possible {whole.optimal:.2f}",
        _row(whole.uniform, low, high): f"random {whole.uniform:.2f}",
    }
    return [_chart_row(bars, row, low, high, marks.get(row)) for row in reversed(range(ROWS))]


def bar(share: float, width: int = 20) -> str:
    """A share in [0, 1] as a horizontal bar."""
    full = round(max(0.0, min(1.0, share)) * width)
    return "█" * full + "░" * (width - full)


def panel(snapshot: Snapshot) -> list[str]:
    """What a terminal shows, at most WIDTH wide."""
    half, end = f"{snapshot.seconds / 2:g} s", f"{snapshot.seconds:g} s"
    axis = f"{'0 s':<{COLUMNS // 2}}{half:<{COLUMNS // 2 - len(end)}}{end}"
    return [
        f" {snapshot.name}",
        *(f" {line}" for line in textwrap.wrap(snapshot.story, WIDTH - 1)),
        "",
        *chart(snapshot),
        f"{axis:>{WIDTH}}",
        "",
        _score_line("now", score(snapshot.encounters[-MOVING:])),
        _score_line("total", score(snapshot.encounters)),
        "",
        f" {_activity(snapshot)}",
    ]


def line(snapshot: Snapshot) -> str:
    """The same in one line, for logs."""
    now, total = score(snapshot.encounters[-MOVING:]), score(snapshot.encounters)
    head = f"{snapshot.name} {snapshot.elapsed:3.0f} of {snapshot.seconds:g} s "
    if now is None or total is None:
        return f"{head} {_activity(snapshot)}"
    reward = f"reward {now.reward:.2f} now, {total.reward:.2f} in all"
    known = f"(random {total.uniform:.2f}, best {total.optimal:.2f})"
    return f"{head} {bar(now.gain, 10)} {now.gain:4.0%}  {reward} {known}  {_activity(snapshot)}"


class Display(Protocol):
    """Where a run is shown."""

    def show(self, snapshot: Snapshot, last: bool = False) -> None:
        """Shows an instant of the run, if it is time to; always if it is the `last`."""

    def say(self, text: str) -> None:
        """Shows a message that stays."""


class Log:
    """A line every few seconds."""

    def __init__(self, output: TextIO) -> None:
        self._output, self._shown, self._name = output, -math.inf, ""

    def show(self, snapshot: Snapshot, last: bool = False) -> None:
        if snapshot.name != self._name:
            self._name = snapshot.name
            self.say(f"{snapshot.story} Per cent: of the gain over random that is possible.")
        if last or time.monotonic() - self._shown >= LINE_SECONDS:
            self._shown = time.monotonic()
            self.say(line(snapshot))

    def say(self, text: str) -> None:
        print(text, file=self._output, flush=True)


class Screen:
    """A panel that is redrawn in place; messages go above it."""

    def __init__(self, output: TextIO, colour: bool) -> None:
        self._output, self._colour, self._lines = output, colour, 0

    def show(self, snapshot: Snapshot, last: bool = False) -> None:
        lines = panel(snapshot)
        drawn = "\n".join(map(_coloured, lines) if self._colour else lines)
        self._output.write(f"{self._back()}{drawn}\n")
        self._output.flush()
        self._lines = 0 if last else len(lines)

    def say(self, text: str) -> None:
        self._output.write(f"{self._back()}{text}\n")
        self._output.flush()
        self._lines = 0

    def _back(self) -> str:
        """Moves up to where the panel began, and clears it."""
        return f"\x1b[{self._lines}F\x1b[J" if self._lines else ""


def display(output: TextIO, environment: Mapping[str, str] = os.environ) -> Display:
    """A screen on a terminal that is large enough, otherwise a log."""
    columns, lines = shutil.get_terminal_size()
    if not output.isatty() or environment.get("TERM") == "dumb" or columns <= WIDTH or lines < 24:
        return Log(output)
    return Screen(output, colour=not environment.get("NO_COLOR"))


def _row(value: float, low: float, high: float) -> int:
    return min(ROWS - 1, int((value - low) / (high - low) * ROWS))


def _chart_row(bars: Sequence[Score | None], row: int, low: float, high: float, mark: str | None) -> str:
    cells = "".join(" " if one is None else cell(one.reward, row, low, high) for one in bars)
    return f" {mark:>20} ┤{cells.replace(' ', '┄')}" if mark else f" {'':>20} │{cells}"


def _score_line(label: str, found: Score | None) -> str:
    if found is None:
        return f" {label:>20}  no visits yet"
    return f" {f'{label}  {found.reward:.2f}':>20}  {bar(found.gain)} {found.gain:4.0%} of the gain over random"


def _activity(snapshot: Snapshot) -> str:
    age = "no model yet" if snapshot.model_age is None else f"model {snapshot.models}, {snapshot.model_age:.0f} s old"
    failed = f", {snapshot.failed} failed" if snapshot.failed else ""
    return f"{len(snapshot.encounters):,} visits, {snapshot.rate:.0f}/s{failed}  {age}"


def _coloured(text: str) -> str:
    """Bars green, the lines behind them faint."""
    return re.sub("[┄░│┤]+", f"{FAINT}\\g<0>{PLAIN}", re.sub("[▁-█]+", f"{GREEN}\\g<0>{PLAIN}", text))
