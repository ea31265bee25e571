"""Keys that are replaced, data that are cleared, a loop that is deleted."""

from shared.auth import Permission
from shared.dashboard import links, parts
from shared.dashboard.markup import (
    Html,
    b,
    div,
    field,
    label,
    p,
    span,
)
from shared.dashboard.page import Call
from shared.dashboard.pages.settings.data import Settings
from shared.loops.config import DEFAULT_LOOP


def keys(data: Settings) -> Html:
    """The keys of the loop, each with a button that replaces it."""
    if data.loop == DEFAULT_LOOP:
        about = "The keys of this loop are settings of the deployment: APP_KEYS, ADMIN_KEYS and READER_KEYS."
        return parts.card(p(about, cls="muted small"), name="Keys", width=6)
    rows = [
        [
            b(f"{role}/{number}"),
            about,
            parts.post(links.of_loop(data.loop, "key-rotate"), "Replace", hidden={"role": role, "number": number}),
        ]
        for role, about in (
            ("app", "ranks and rewards"),
            ("admin", "everything of this loop"),
            ("reader", "sees everything, changes nothing"),
        )
        for number in (1, 2)
    ]
    columns = [parts.Column("key"), parts.Column("may"), parts.Column("", numeric=True)]
    about = "A replaced key ends at once, and the sessions that it opened with it. The new one is shown once."
    return parts.card(p(about, cls="muted small"), parts.grid(columns, rows, "Keys"), name="Keys", width=6)


def clearing(data: Settings, call: Call) -> Html:
    """What brings the loop to a new start, or to its end."""
    boxes = [
        label(field(type="checkbox", name=name, value="true"), b(title), span(about, cls="note"), cls="choice")
        for name, title, about in (
            ("model", "Model", "Rank draws at random until the next model is made of new decisions."),
            ("logs", "Logs", "Decisions and their summaries: nothing can be evaluated or learned from them again."),
            ("policy", "Policy", "The default policy of the deployment takes its place, and learns the log anew."),
        )
    ]
    clear = parts.post(links.of_loop(data.loop, "clear"), "Clear what is ticked", boxes, kind="danger", cls="fields")
    gone = (
        parts.post(
            links.of_loop(data.loop, "loop-delete"),
            "Delete the loop",
            div(
                label(f"Write {data.loop} to delete it", for_="confirm"),
                field(id="confirm", name="confirm", required=True, autocomplete="off"),
                span("Settings, model, log, evaluations and keys are gone then. Nothing brings them back.", cls="note"),
            ),
            kind="danger",
            cls="fields",
        )
        if data.loop != DEFAULT_LOOP and call.may(Permission.OWN)
        else None
    )
    return parts.card(
        parts.folded("Clear data", clear),
        parts.folded("Delete this loop", gone) if gone is not None else None,
        name="Start over",
        width=6,
    )
