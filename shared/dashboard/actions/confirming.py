"""The page between a form and what it does: what is replaced, and what becomes of the model."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.admin import configuration
from shared.dashboard import figures, links, parts
from shared.dashboard.markup import Html, div, h1, p
from shared.dashboard.page import Call
from shared.loops.config import LoopConfig

# The field that says that whoever sends the form has seen this page.
SEEN = "seen"

# name, before, after
Changes = Sequence[tuple[str, str, str]]


def is_confirmed(call: Call) -> bool:
    return SEEN in call.given


async def page(
    call: Call, action: str, title: str, config: LoopConfig, changes: Changes, hidden: Mapping[str, str]
) -> Html:
    """Says what a change would do. config: as it would be then; hidden: what the form sends again."""
    back = links.of_loop(call.of.loop, "settings")
    if not changes:
        return parts.card(
            parts.empty("Nothing would change.", "Every value is as it is now."), parts.link("Back", back)
        )
    columns = [parts.Column(""), parts.Column("now"), parts.Column("then")]
    return parts.card(
        h1(title),
        p(told(await configuration.consequence(call.of, config)), cls="lead gap"),
        div(parts.grid(columns, changes, "Changes"), cls="gap"),
        div(
            parts.post(links.of_loop(call.of.loop, action), title, kind="primary", hidden={**hidden, SEEN: "yes"}),
            parts.link("Leave it", back),
            cls="buttons gap",
        ),
    )


def told(consequence: Mapping[str, Any]) -> str:
    """What a change means for the model, as a sentence."""
    after = consequence.get("modelAfterChange")
    if after is None:
        return "The model goes on as it is."
    events = f", from about {figures.plural(after['events'], 'event')}" if "events" in after else ""
    if after["replaced"]:
        return f"A new model learns the log anew{events}. The one that there is serves until then."
    return f"The model is kept: a new one would know too little{events}. It learns on with the new settings."
