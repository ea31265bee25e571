"""A measured figure beside its reference, and the table they are shown in."""

from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One line of the report. `ratio` is what counts: machines are noisy, both sides were measured in one run."""

    name: str
    measured: str
    reference: str
    ratio: float
    goal: str
    reached: bool


def at_most(name: str, value: float, reference: float, limit: float, unit: str, digits: int = 1) -> Figure:
    """A cost against a reference's."""
    ratio = value / reference
    shown = f"{value:,.{digits}f} {unit}", f"{reference:,.{digits}f} {unit}"
    return Figure(name, *shown, ratio, f"<= {limit:g}x", ratio <= limit)


def at_least(name: str, ratio: float, measured: str, reference: str, limit: float) -> Figure:
    """A speed against a reference's."""
    return Figure(name, measured, reference, ratio, f">= {limit:g}x", ratio >= limit)


def told(name: str, measured: str, reference: str, ratio: float) -> Figure:
    """Something without a goal that explains the others."""
    return Figure(name, measured, reference, ratio, "", True)


def bounded(name: str, value: float, idle: float, limit: float, unit: str) -> Figure:
    """A growth above an idle value."""
    grown = value - idle
    shown = f"{value:.1f} {unit}", f"{idle:.1f} {unit}"
    return Figure(name, *shown, grown, f"<= {limit:g} {unit} more", grown <= limit)


def show(figures: Sequence[Figure]) -> None:
    """Prints a table."""
    width = max(len(figure.name) for figure in figures)
    print(f"{'figure':<{width}}  {'measured':>14}  {'reference':>14}  {'ratio':>7}  {'goal':<16}")
    for figure in figures:
        mark = "" if figure.reached else "  not reached"
        line = f"{figure.name:<{width}}  {figure.measured:>14}  {figure.reference:>14}  {figure.ratio:>7.2f}"
        print(f"{line}  {figure.goal:<16}{mark}")
