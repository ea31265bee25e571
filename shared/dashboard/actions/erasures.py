"""Counting and erasing what is stored about a person or an event."""

import asyncio
import uuid

import msgspec

from shared.admin import erasures, selection_body
from shared.admin.erasures import ErasureInfo
from shared.admin.selection_body import SelectionBody
from shared.dashboard import links, parts
from shared.dashboard.actions.action import Action
from shared.dashboard.markup import Html, div, h1, p
from shared.dashboard.page import Call
from shared.dashboard.pages import erasure
from shared.errors import ApiError

# The trainer counts at its next tick; so long a page waits for that.
PATIENCE_SECONDS, PAUSE_SECONDS = 10.0, 0.5
FIELDS = ("eventId", "feature", "value")
SOME = "They go for good, and the model is learned anew from the rest of the log, as far as that reaches."
ALL = "This selection means the whole log. It goes for good; the next page says what becomes of the model."


async def count(call: Call) -> str | Html:
    """Has the events counted, and asks whether they are to go."""
    body, name = _selection(call), _name()
    found = await erasures.ask(call.of, name, body, dry=True)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while found.counts is None:
                await asyncio.sleep(PAUSE_SECONDS)
                found = await erasures.get(call.of, name)
    except TimeoutError:
        return links.of_loop(call.of.loop, "erasure", id=name)
    return _asked(call, found)


def _asked(call: Call, found: ErasureInfo) -> Html:
    back = parts.link("Leave them", links.of_loop(call.of.loop, "erasure"))
    if found.counts is not None and not (found.counts.joined or found.counts.late or found.counts.pending):
        return parts.card(parts.empty("No event is meant.", "Ids and values are compared as they are."), back)
    hidden = {name: call.given[name] for name in FIELDS if call.given.get(name)}
    is_all = found.status == "refused"
    if is_all:  # what is counted without a word about all of the log is refused if it means that
        hidden["all"] = "true"
    return parts.card(
        h1("Erase every event of the log" if is_all else "Erase these events"),
        p(ALL, cls="lead") if is_all else p(SOME, cls="muted"),
        div(erasure.counted(found), cls="gap"),
        div(
            parts.post(
                links.of_loop(call.of.loop, "erasure-do"),
                "Erase all of them" if is_all else "Erase them",
                kind="danger",
                hidden=hidden,
            ),
            back,
            cls="buttons gap",
        ),
    )


async def do(call: Call) -> str:
    """Has them erased."""
    name = _name()
    await erasures.ask(call.of, name, _selection(call), dry=False)
    return links.of_loop(call.of.loop, "erasure", id=name)


def _selection(call: Call) -> SelectionBody:
    """The condition of a form; raises InvalidSelection."""
    event_id, feature, value = (call.given.get(name, "").strip() for name in FIELDS)
    if bool(event_id) == bool(feature or value):
        raise ApiError("InvalidSelection", "Fill in an event id, or a feature and its value.")
    wanted = {"eventId": event_id} if event_id else {"feature": feature, "value": value}
    return selection_body.erasure(msgspec.json.encode({"selection": [wanted], "all": call.given.get("all") == "true"}))


def _name() -> str:
    return f"dashboard-{uuid.uuid4().hex[:12]}"


ACTIONS = {
    "erasure-count": Action("Erase", count, "events"),
    "erasure-do": Action("Erase", do, "events"),
}
