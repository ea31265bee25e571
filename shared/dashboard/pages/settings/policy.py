"""The learning policy of a loop."""

from shared.dashboard import links, parts
from shared.dashboard.markup import (
    Html,
    code,
    div,
    field,
    label,
    p,
    span,
    textarea,
)
from shared.dashboard.pages.settings.data import Settings


def form(data: Settings) -> Html:
    """For whoever may change it."""
    fields = [
        div(
            label("Name", for_="policy-name"),
            field(id="policy-name", name="name", value=data.policy.name, required=True, maxlength=256),
        ),
        div(
            label("Arguments", span("options of Vowpal Wabbit", cls="muted"), for_="arguments"),
            textarea(data.policy.arguments, id="arguments", name="arguments", required=True, spellcheck="false"),
        ),
    ]
    url = links.of_loop(data.loop, "policy-change")
    crossed = f"It crosses {', '.join(data.crossings)} by itself." if data.crossings else None
    reset = parts.post(links.of_loop(data.loop, "policy-reset"), "Back to the default policy")
    saved = parts.link("Download it", links.of_loop(data.loop, "policy-file"))
    return parts.card(
        p("Another policy learns the whole log anew; the model of this one serves until then.", cls="muted small"),
        parts.post(url, "See what this changes", fields, kind="primary", cls="fields gap"),
        parts.hint(crossed) if crossed else None,
        div(reset, saved, cls="buttons gap"),
        name="Learning policy",
        width=7,
    )


def listed(data: Settings) -> Html:
    """For whoever may not."""
    return parts.card(
        parts.facts([("name", data.policy.name), ("arguments", code(data.policy.arguments))]), name="Policy"
    )
