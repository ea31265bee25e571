"""One sentence on how a loop is doing, one figure with its interval, a row of checks."""

from shared.dashboard import drawings, figures, links, parts
from shared.dashboard.markup import Html, a, b, div, join, li, p, span, strong, ul
from shared.dashboard.pages.overview.data import Overview
from shared.dashboard.standing import Standing


def shown(found: Standing) -> Html:
    """The verdict as the first thing of the page."""
    about = join(figures.bound(found.cause), join(" ", strong(figures.bound(found.next))) if found.next else None)
    return parts.verdict(found.state, found.word, figures.bound(found.sentence), about, figure(found))


def figure(found: Standing) -> Html | None:
    """The lift, large, with its interval below."""
    basis = f", {found.basis}" if found.basis is not None else ""
    if found.relative is not None:
        value, ends = found.relative.value, (found.relative.lower, found.relative.upper)
        ranged = f"{figures.percent(ends[0], sign=True)} to {figures.percent(ends[1], sign=True)}"
        kind = "figure muted" if found.kind == "too-early" else "figure"
        return div(
            p(figures.percent(value, sign=True), cls=kind),
            p(
                f"lift over the baseline{basis}; 95 % interval {ranged}, valid however often you look",
                cls="muted small",
            ),
            drawings.lift(value, *ends, f"Lift {figures.percent(value, sign=True)}, interval {ranged}"),
        )
    if found.lift is None:
        return None
    ranged = f"{figures.signed(found.lift.lower)} to {figures.signed(found.lift.upper)}"
    return div(
        p(figures.signed(found.lift.value), cls="figure"),
        p(f"reward per decision above the baseline{basis}; 95 % interval {ranged}", cls="muted small"),
    )


def checks(data: Overview) -> Html:
    """The alarms that are raised, and what is well."""
    shown = [
        li(
            span(drawings.shape(one.state), cls=one.state),
            span(
                b(one.title, span(f": {one.state}", cls="skip")),
                span(figures.bound(one.cause), cls="muted small"),
                join(" ", span(one.next, cls="small")) if one.next and one.state != "ok" else None,
            ),
        )
        for one in data.checks
    ]
    all_of_them = a("All alarms, and how they have stood", href=links.of_loop(data.loop, "alarms"))
    return parts.card(ul(shown, cls="checks"), p(all_of_them, cls="small"), aria_label="Checks")
