"""The form that asks for an evaluation."""

from shared.dashboard import drawings, figures, links, parts
from shared.dashboard.markup import Html, button, div, field, form, h3, label, p, span, textarea
from shared.dashboard.pages.evaluations.data import Evaluations
from shared.evaluation.job import moment


def form_of(data: Evaluations) -> Html:
    """The form, with how many decisions its period has."""
    base = links.of_loop(data.loop, "evaluations")
    period = form(
        div(_time("since", "From (UTC)", data.since), _time("until", "To (UTC)", data.until), cls="fields two"),
        div(
            span(f"{figures.plural(data.decisions, 'decision')} in this period", cls="small"),
            button("Count again", cls="button"),
            cls="buttons gap",
        ),
        method="get",
        action=base,
    )
    asked = parts.post(
        links.of_loop(data.loop, "evaluation-make"),
        "Evaluate",
        div(
            label("Name", for_="name"),
            field(id="name", name="name", required=True, maxlength=256, value="Evaluation"),
        ),
        div(
            label(
                field(type="checkbox", name="optimizes", value="true"), "Look for a better policy, too", cls="choice"
            ),
            span(
                "Tries other learning rates and crossings, and judges the best on events that did not choose it.",
                cls="note",
            ),
        ),
        parts.folded(
            "Compare policies of your own",
            label("One policy a line: its name, a colon, its arguments", for_="policies"),
            textarea(
                id="policies",
                name="policies",
                placeholder="careful: --cb_explore_adf --epsilon 0.05 ...",
                spellcheck="false",
            ),
        ),
        kind="primary",
        hidden={"since": stamp(data.since), "until": stamp(data.until)},
        cls="fields gap",
    )
    about = p("Changes nothing: what it finds can be applied afterwards.", cls="muted small")
    return parts.card(about, h3("Period"), period, asked, name="Ask for an evaluation", width=7)


def _time(name: str, title: str, at: int) -> Html:
    return div(
        label(title, for_=name),
        field(type="datetime-local", id=name, name=name, value=stamp(at)[:16], required=True),
    )


def stamp(at: int) -> str:
    """As a form sends it: ISO 8601 in UTC."""
    return moment(at)


def days(data: Evaluations) -> Html:
    """Decisions by day."""
    rows = [(figures.day(one.at), float(one.decisions), "online") for one in data.days]
    label_ = ", ".join(f"{name} {figures.count(number)}" for name, number, _ in rows)
    shown = drawings.bars(rows, label_) if rows else parts.empty("No decisions in the last 30 days.")
    return parts.card(shown, parts.hint("Decisions by day, UTC."), name="What there is to evaluate", width=5)
