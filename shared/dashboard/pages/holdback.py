"""A holdback: a share of decisions that shows the baseline, by which the lift is measured."""

import msgspec

from shared.auth import Permission
from shared.dashboard import figures, links, parts
from shared.dashboard.markup import Html, div, field, join, label, span
from shared.dashboard.page import Call, Page
from shared.dashboard.parts import Column
from shared.monitoring import holdback_report
from shared.monitoring.holdback_report import ArmReport, HoldbackReport, LiftReport


class Holdback(msgspec.Struct, frozen=True):
    """found: as `GET /loops/{loop}/holdback` answers it."""

    loop: str
    found: HoldbackReport


async def load(call: Call) -> Holdback:
    """What is stored."""
    return Holdback(call.of.loop, await holdback_report.report(call.of, None, None))


def view(data: Holdback, call: Call) -> Html:
    """The page."""
    return join(
        _verdict(data.found),
        parts.card(_arms(data.found), parts.hint(_needed(data.found)), name="What it has measured", width=7),
        _form(data) if call.may(Permission.ADMINISTER) else None,
    )


def _verdict(found: HoldbackReport) -> Html:
    if not found.holdback_percentage:
        about = "The lift is estimated from the log. A holdback measures it, at the price of what it shows."
        return parts.verdict("unknown", "Off", "No decision is held back.", about)
    since = join("Since ", figures.moment(figures.parsed(found.since)), ", in the mode Online.")
    share = figures.fine_percent(found.holdback_percentage)
    lift = found.lift
    if lift is None or lift.lower is None or lift.upper is None:
        return parts.verdict("unknown", "Too early", f"{share} of decisions show the baseline.", since)
    ends = f"{figures.signed(lift.lower)} to {figures.signed(lift.upper)}"
    about = join(f"95 % interval {ends}, however often you look. {share} of decisions show the baseline. ", since)
    return parts.verdict(*_judged(lift), about)


def _judged(lift: LiftReport) -> tuple[str, str, str]:
    if lift.lower is not None and lift.lower > 0:
        return "ok", "Better", f"It earns {figures.reward(lift.value)} more per decision than the baseline."
    if lift.upper is not None and lift.upper < 0:
        return "critical", "Worse", f"It earns {figures.reward(-lift.value)} less per decision than the baseline."
    return "warning", "Not decided", "No difference has been measured yet."


def _arms(found: HoldbackReport) -> Html:
    columns = [Column(""), *(Column(name, numeric=True) for name in ("decisions", "rewarded", "average reward"))]

    def row(name: str, arm: ArmReport) -> list[str]:
        return [name, figures.count(arm.decisions), figures.count(arm.rewarded), figures.reward(arm.average_reward)]

    return parts.grid(
        columns, [row("this loop", found.policy), row("baseline", found.baseline)], "Arms of the holdback"
    )


def _needed(found: HoldbackReport) -> str:
    need = found.needed
    if need.decisions is None or need.difference is None:
        return "How many decisions it takes is known once rewards differ."
    sought, share = figures.reward(need.difference), figures.fine_percent(need.percentage)
    took = f"takes some {figures.count(need.decisions)} decisions; the last 30 days had {figures.count(need.lately)}"
    return f"To see a difference of {sought} per decision with {share} held back {took}."


def _form(data: Holdback) -> Html:
    asked = div(
        label("Share that shows the baseline, 0 to 1", for_="holdbackPercentage"),
        field(id="holdbackPercentage", name="holdbackPercentage", value=f"{data.found.holdback_percentage:g}"),
        span("Another share begins a new measurement. 0 switches it off. Rank may name a holdbackId.", cls="note"),
    )
    url = links.of_loop(data.loop, "settings-change")
    return parts.card(
        parts.post(url, "See what this changes", asked, kind="primary", cls="fields"), name="Hold back", width=5
    )


PAGE = Page("Holdback", load, view, "holdback")
