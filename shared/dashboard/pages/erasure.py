"""Erasing what is stored about a person or an event: what is asked for, and how far an erasure is."""

import msgspec

from shared.admin import erasures
from shared.admin.erasures import ErasureInfo
from shared.auth import Permission
from shared.dashboard import figures, links, parts
from shared.dashboard.markup import Child, Html, div, field, h1, join, label, p, span
from shared.dashboard.page import Call, Page
from shared.monitoring.states import State

STATUSES: dict[str, tuple[State, str, str]] = {
    "waiting": ("unknown", "Waiting", "The trainer takes it up at its next tick."),
    "running": ("unknown", "Running", "The trainer takes the events out."),
    "done": ("ok", "Done", "No blob of this loop has the erased ids and values."),
    "refused": ("warning", "Refused", "Nothing was erased: count the events again."),
    "failed": ("critical", "Failed", "It was not done."),
}


class Erasing(msgspec.Struct, frozen=True):
    """found: as `GET /loops/{loop}/erasures/{erasureId}` answers it; None where none was asked for."""

    loop: str
    found: ErasureInfo | None


async def load(call: Call) -> Erasing:
    """The erasure in the address."""
    name = call.given.get("id", "").strip()
    return Erasing(call.of.loop, await erasures.get(call.of, name) if name else None)


def view(data: Erasing, call: Call) -> Html:
    """The page."""
    return join(_told(data.found) if data.found is not None else None, _form(data.loop))


def _told(found: ErasureInfo) -> Html:
    state, word, sentence = STATUSES[found.status]
    if found.dry_run and found.status == "done":
        word, sentence = "Counted", "Nothing was erased: the events were only counted."
    about: Child = "Load this page again to see how far it is."
    if found.ended:
        about = found.reason or join("It ended ", figures.moment(figures.parsed(found.ended)), ".")
    return join(
        parts.verdict(state, word, sentence, about),
        parts.card(counted(found), name="What it means"),
        parts.card([p(one) for one in found.left], name="What is left where") if found.left else None,
    )


def counted(found: ErasureInfo) -> Html:
    """How much a selection means, and what becomes of the model."""
    if found.counts is None:
        return parts.empty("It has not been counted yet.")
    counts = found.counts
    rows = [
        ("joined events", f"{figures.count(counts.joined)} of {figures.count(counts.total_joined)}"),
        ("late events and rewards", figures.count(counts.late)),
        ("on their way in the event hubs", figures.count(counts.pending)),
    ]
    if found.model is not None:
        words = {"kept": "is kept", "learnedAnew": "was learned anew", "isLearnedAnew": "is learned anew"}
        rows.append(("the model", words[found.model]))
    return parts.facts(rows)


def _form(loop: str) -> Html:
    asked = [
        div(label(name, for_=key), field(id=key, name=key, maxlength=1024, autocomplete="off"), span(note, cls="note"))
        for key, name, note in (
            ("eventId", "Event id", "One event, or"),
            ("feature", "Feature", "its name, such as user.id; dots part the names of nested objects"),
            ("value", "Value", "and its value: all events that have it, in their context, an action or a slot"),
        )
    ]
    return parts.card(
        h1("Erase what is stored about a person or an event"),
        p("It is counted first: the next page says how many events are meant, before anything goes.", cls="muted"),
        parts.post(links.of_loop(loop, "erasure-count"), "Count them", *asked, kind="primary", cls="fields gap"),
    )


PAGE = Page("Erase", load, view, "events", Permission.ADMINISTER)
