"""What features the decisions of the last day had, and which of them to look at."""

from collections.abc import Iterator

from shared.dashboard import drawings, figures, links, parts
from shared.dashboard.markup import Html, a, b, join, span
from shared.dashboard.pages.features.data import Day, Features, Seen
from shared.dashboard.parts import Cell, Column
from shared.monitoring.population_stability import WARNING
from shared.monitoring.states import Grade

_NAME = "Features of 24 hours"


def card(data: Features) -> Html:
    """The table, or why there is none."""
    if data.day is None:
        about = (
            "The trainer stores them with its runs, and they are shown once an hour is over.",
            "Hours of before this version get theirs by `python -m migration summarise`.",
        )
        return parts.card(parts.empty("No features are known of the last day.", *about), name=_NAME)
    day = data.day
    columns = [
        Column("feature", sort=True),
        Column("in decisions", numeric=True, sort=True),
        Column("values", numeric=True, sort=True),
        Column("commonest", wide=True),
        Column("drift (PSI)", numeric=True, sort=True),
    ]
    rows = [
        [
            Cell(join(b(one.name), *(join(" ", state) for state in _states(one))), one.name),
            Cell(figures.fine_percent(one.share), one.share),
            Cell(figures.count(one.values), one.values),
            _common(one),
            Cell(_drift(one), one.psi or 0.0),
        ]
        for one in day.features
    ]
    return parts.card(
        parts.grid(columns, rows, _NAME),
        parts.hint(
            f"From a sample of {figures.plural(day.decisions, 'decision')} up to ", figures.moment(day.until), ". ",
            *_others(day), f"Drift is not told: {day.lacking} " if day.lacking else "",
            a("Alarms", href=links.of_loop(data.loop, "alarms")), " say what to do.",
        ),
        name=_NAME,
    )  # fmt: skip


def _common(one: Seen) -> Html:
    told = (f"{text} {figures.percent(share)}" for text, share in one.common.items())
    return span(", ".join(told), cls="small")


def _drift(one: Seen) -> Html | str:
    if one.psi is None or one.bound is None:
        return ""
    is_usual = one.stability == "ok" and one.bound > WARNING and one.psi > WARNING
    return join(span("as always ", cls="muted small") if is_usual else None, f"{one.psi:.2f}")


def _states(one: Seen) -> Iterator[Html]:
    if one.is_gone:
        yield drawings.state("critical", "gone")
    elif one.stability != "ok":
        yield drawings.state(one.stability, "drifts")
    if one.cardinality != "ok":
        yield drawings.state(one.cardinality, _cardinality(one.cardinality))


def _cardinality(grade: Grade) -> str:
    return "an id or a time stamp" if grade == "critical" else "nearly an id"


def _others(day: Day) -> list[str]:
    return [f"{figures.count(day.others)} uses of further features are not told one by one. "] if day.others else []
