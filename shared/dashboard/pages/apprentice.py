"""How far an apprentice has come: how often it would have chosen what the application chose."""

import msgspec

from shared.admin import configuration
from shared.auth import Permission
from shared.dashboard import figures, links, parts
from shared.dashboard.markup import Html, code, div, join
from shared.dashboard.page import Call, Page
from shared.dashboard.parts import Column
from shared.errors import ApiError
from shared.loops.apprentice import Progress, Report

# At such a ratio a model that explores is about as good as it can get.
READY = 0.75


class Apprenticeship(msgspec.Struct, frozen=True):
    """report: None if the loop was never in mode Apprentice."""

    loop: str
    report: Report | None


async def load(call: Call) -> Apprenticeship:
    """The same as `GET /loops/{loop}/apprentice`."""
    try:
        return Apprenticeship(call.of.loop, await configuration.apprenticeship(call.of))
    except ApiError as error:
        if error.code != "ApprenticeModeNeverTurnedOn":
            raise
        return Apprenticeship(call.of.loop, None)


def view(data: Apprenticeship, call: Call) -> Html:
    """The page."""
    if data.report is None:
        settings = parts.link("Model and settings", links.of_loop(data.loop, "settings"))
        about = (
            "As an apprentice, a loop shows your own first action, learns to choose the same, and changes nothing for "
            "your visitors until you set it to Online."
        )
        return parts.card(parts.empty("This loop was never an apprentice.", about), settings)
    return join(_verdict(data, data.report, call), parts.card(_table(data.report), name="In figures", width=8))


def _verdict(data: Apprenticeship, report: Report, call: Call) -> Html:
    last = report.last
    if last.ratio is None or last.match_rate is None:
        sentence = "There is nothing to compare yet."
        return parts.verdict("unknown", "Too early", sentence, "Its decisions have to be rewarded first.")
    is_ready = last.ratio >= READY
    sentence = f"It would have earned {figures.percent(last.ratio)} of what your application earns."
    about = join(
        f"Of the latest {figures.plural(last.events, 'decision')}, it would have chosen the same "
        f"{figures.percent(last.match_rate)}. A model that explores is about ready at {figures.percent(READY)}; "
        "set ",
        code("learningMode"),
        " to Online then.",
    )
    step = (
        div(parts.link("Have it decide", links.of_loop(data.loop, "settings"), "primary"))
        if is_ready and report.mode == "Apprentice" and call.may(Permission.ADMINISTER)
        else None
    )
    return parts.verdict("ok" if is_ready else "unknown", "Ready" if is_ready else "Learning", sentence, about, step)


def _table(report: Report) -> Html:
    columns = [Column(""), Column("latest 1,000 decisions", numeric=True), Column("all", numeric=True)]

    def row(name: str, value: str) -> list[str]:
        return [name, *(_written(one, value) for one in (report.last, report.total))]

    rows = [
        row("decisions", "events"),
        row("chosen alike", "match_rate"),
        row("reward of your application", "baseline_reward"),
        row("reward where chosen alike, 0 elsewhere", "own_reward"),
        row("ratio", "ratio"),
    ]
    return parts.grid(columns, rows, "Apprentice")


def _written(progress: Progress, name: str) -> str:
    value = getattr(progress, name)
    if name == "events":
        return figures.count(value)
    return figures.percent(value) if name in ("match_rate", "ratio") else figures.reward(value)


PAGE = Page("Apprentice", load, view, "apprentice")
