"""Which actions were shown, against how often that was to be expected, and how much the loop explores."""

import math
from collections import Counter

import msgspec

from shared.dashboard import figures, histories, links, parts, periods
from shared.dashboard.markup import Html, a, b, div, h1, join, p
from shared.dashboard.page import Call, Page
from shared.dashboard.parts import Cell, Column
from shared.dashboard.periods import Period
from shared.loops.hour_sums import OTHER, Shown
from shared.loops.policy_sums import RANDOM
from shared.loops.summary import Summary

MOST_ROWS = 50


class Action(msgspec.Struct, frozen=True):
    """chosen: how often it was shown. baseline: as the first action of its request. explored: not as the likeliest."""

    id: str
    chosen: int
    baseline: int
    explored: int


class Expected(msgspec.Struct, frozen=True):
    """How often something was shown, and how often its logged probabilities let one expect. z: in deviations."""

    shown: float
    expected: float
    z: float | None


class Exploration(msgspec.Struct, frozen=True):
    """effective: decisions at random that the log is worth (n e). share: of decisions that explored. entropy: of the
    actions shown, 0 for a single one to 1 for all alike."""

    decisions: int
    effective: float | None
    share: float | None
    entropy: float | None
    most_probable: Expected
    baseline: Expected
    improper: int


class Actions(msgspec.Struct, frozen=True):
    """sizes: decisions by their number of actions. others: how many actions there are beside those listed."""

    loop: str
    period: Period
    actions: list[Action]
    others: int
    exploration: Exploration
    sizes: dict[int, int]
    through: int


async def load(call: Call) -> Actions:
    """Of the first slot, from summaries."""
    found = await histories.read(call.of, call.given.get("period"), None)
    shown = Shown()
    for hour in found.summary.hours.values():
        if 0 in hour.slots:
            shown.merge(hour.slots[0])
    ids = sorted(shown.chosen, key=lambda one: (one == OTHER, -shown.chosen[one], one))
    listed = [
        Action(one, shown.chosen[one], shown.baseline.get(one, 0), shown.explored.get(one, 0))
        for one in ids[:MOST_ROWS]
    ]
    return Actions(
        loop=call.of.loop,
        period=found.history.period,
        actions=listed,
        others=max(0, len(ids) - MOST_ROWS),
        exploration=_exploration(shown, found.summary),
        sizes=dict(sorted(shown.sizes.items())),
        through=found.history.through,
    )


def _exploration(shown: Shown, summary: Summary) -> Exploration:
    decisions = sum(shown.chosen.values())
    uniform = summary.total(RANDOM)
    second, n = float(uniform.second), float(uniform.n)
    probable = sum(shown.sizes.values())
    return Exploration(
        decisions=decisions,
        effective=n * n / second if second else None,
        share=sum(shown.explored.values()) / decisions if decisions else None,
        entropy=entropy(shown.chosen),
        most_probable=_expected(shown.top, float(shown.top_p), float(shown.top_pq)),
        baseline=_expected(sum(shown.baseline.values()), float(shown.baseline_p), float(shown.baseline_pq)),
        improper=min(shown.improper, probable),
    )


def entropy(chosen: dict[str, int]) -> float | None:
    """-sum q ln q / ln(actions seen); None for fewer than two actions."""
    total = sum(Counter(chosen).values())
    if len(chosen) < 2 or not total:
        return None
    shares = [count / total for count in chosen.values() if count]
    return -sum(one * math.log(one) for one in shares) / math.log(len(chosen))


def _expected(shown: float, expected: float, spread: float) -> Expected:
    """z needs an expected spread of 25 at least, as the alarm does."""
    return Expected(shown, expected, (shown - expected) / math.sqrt(spread) if spread >= 25 else None)


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


def _against(found: Expected) -> str:
    off = "" if found.z is None else f", {found.z:+.1f} deviations off"
    return f"{figures.count(found.shown)}, {figures.count(found.expected)} expected{off}"


def _sizes(data: Actions) -> Html:
    columns = [Column("actions", numeric=True), Column("decisions", numeric=True)]
    return parts.grid(
        columns, [[size, figures.count(count)] for size, count in data.sizes.items()], "Actions per decision"
    )


PAGE = Page("Actions", load, view, "actions")
