"""Which actions were shown, against how often that was to be expected, and how much the loop explores."""

from shared.dashboard import figures, links, parts, periods
from shared.dashboard.markup import Html, a, b, div, h1, join, p
from shared.dashboard.page import Call, Page
from shared.dashboard.pages.actions.data import Actions, Expected, Exploration, Judged, load
from shared.dashboard.parts import Cell, Column


def view(data: Actions, call: Call) -> Html:
    """The page."""
    choices = [
        (periods.NAMES[word], links.of_loop(data.loop, "actions", period=word), word == data.period.word)
        for word in periods.PERIODS
    ]
    head = div(h1("Actions and exploration"), parts.switch("Period", choices), cls="chart-head")
    if not data.actions:
        nothing = parts.empty("No decision in this period.", "A decision counts when its reward wait time is over.")
        return parts.card(head, nothing)
    return join(
        parts.card(head, p("Taken from the probabilities that each decision was logged with.", cls="muted")),
        parts.card(_table(data), _misleading(data), name="Actions", width=7),
        div(
            parts.card(_figures(data.exploration), name="Exploration"),
            parts.card(_judged(data.judged), name="What the model expects") if data.judged is not None else None,
            parts.card(_sizes(data), name="Actions per decision") if data.sizes else None,
            cls="stack w5",
        ),
    )


def _table(data: Actions) -> Html:
    total = data.exploration.decisions
    columns = [
        Column("action", sort=True),
        Column("shown", numeric=True, sort=True),
        Column("share", numeric=True, sort=True),
        Column("as the first action", numeric=True, sort=True, wide=True),
        Column("of it exploring", numeric=True, sort=True),
    ]
    rows = [
        [
            b(one.id or "all others"),
            Cell(figures.count(one.chosen), one.chosen),
            Cell(figures.fine_percent(one.chosen / total), one.chosen),
            Cell(figures.count(one.baseline), one.baseline),
            Cell(figures.fine_percent(one.explored / one.chosen), one.explored / one.chosen),
        ]
        for one in data.actions
        if one.chosen
    ]
    return parts.grid(columns, rows, "Actions")


def _misleading(data: Actions) -> Html:
    more = f"{figures.plural(data.others, 'action')} more are not listed. " if data.others else ""
    return parts.hint(
        f"{more}Success per action misleads, since choices are not random: compare policies in ",
        a("Evaluations", href=links.of_loop(data.loop, "evaluations")),
        ".",
    )


def _figures(found: Exploration) -> Html:
    rows = [
        ("decisions", figures.count(found.decisions)),
        ("of them exploring", figures.fine_percent(found.share)),
        ("worth of decisions at random", figures.NONE if found.effective is None else figures.count(found.effective)),
        ("entropy of what was shown", figures.NONE if found.entropy is None else f"{found.entropy:.2f} of 1"),
        ("most probable action shown", _against(found.most_probable)),
        ("first action shown", _against(found.baseline)),
        ("probabilities that do not sum to 1", figures.count(found.improper)),
    ]
    return parts.facts(rows)


def _judged(found: Judged) -> Html:
    rows = [
        ("mean reward expected in the last day", figures.reward(found.expected)),
        ("that came", figures.reward(found.came)),
        ("of decisions before they were learned", figures.count(found.decisions)),
    ]
    return parts.facts(rows)


def _against(found: Expected) -> str:
    off = "" if found.z is None else f", {found.z:+.1f} deviations off"
    return f"{figures.count(found.shown)}, {figures.count(found.expected)} expected{off}"


def _sizes(data: Actions) -> Html:
    columns = [Column("actions", numeric=True), Column("decisions", numeric=True)]
    return parts.grid(
        columns, [[size, figures.count(count)] for size, count in data.sizes.items()], "Actions per decision"
    )


PAGE = Page("Actions", load, view, "actions")
