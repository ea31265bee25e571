"""Finding an event: what was asked, decided, observed and learned."""

import msgspec

from shared.auth import Permission
from shared.dashboard import drawings, figures, links, parts
from shared.dashboard.markup import Child, Html, a, b, button, code, div, field, form, h1, join, label, p, pre
from shared.dashboard.page import Call, Page
from shared.dashboard.parts import Column
from shared.errors import ApiError
from shared.monitoring.states import State
from shared.rank import wire
from shared.rank.wire import RankedAction
from shared.trace import search
from shared.trace.traced_event import Trace

STATUSES: dict[str, tuple[State, str, str]] = {
    "waiting": ("unknown", "Waiting", "Its rewards are awaited."),
    "closing": ("unknown", "Closing", "The next training run takes it."),
    "learned": ("ok", "Learned", "The model has learned it."),
    "skipped": ("unknown", "Skipped", "It is in the log, and is not learned: it was never shown, or is only logged."),
    "rejected": ("critical", "Rejected", "It is in the log; the model of its run was refused."),
    "imported": ("ok", "Imported", "It is in the log, from elsewhere."),
    "erased": ("unknown", "Erased", "It was erased, and nothing else is known of it."),
    "neverRanked": ("critical", "Never ranked", "There are observations, and no Rank with this event id."),
}


class Event(msgspec.Struct, frozen=True):
    """trace: as `GET /loops/{loop}/events/{eventId}` answers it; None where nothing was asked for, or found."""

    loop: str
    id: str
    trace: Trace | None


async def load(call: Call) -> Event:
    """Searches for the event in the address."""
    given = call.given.get("id", "").strip()
    if not given:
        return Event(call.of.loop, "", None)
    try:
        return Event(
            call.of.loop, given, await search.find(call.service, call.of, wire.event_id(given, "InvalidRequest"))
        )
    except ApiError as error:
        if error.code != "EventNotFound":
            raise
        return Event(call.of.loop, given, None)


def view(data: Event, call: Call) -> Html:
    """The page."""
    asked = form(
        div(
            label("Event id", for_="id"),
            field(id="id", name="id", value=data.id, required=True, maxlength=256, autocomplete="off"),
        ),
        div(button("Find it", cls="button primary")),
        method="get",
        action=links.of_loop(data.loop, "events"),
        cls="fields",
    )
    found = _traced(data.trace) if data.trace is not None else _nothing(data) if data.id else None
    erase = a("Erase what is stored about a person or an event", href=links.of_loop(data.loop, "erasure"))
    return join(parts.card(h1("Find an event"), div(asked, cls="gap"), p(erase, cls="gap"), width=12), found)


def _nothing(data: Event) -> Html:
    about = "Neither in the log nor among the recent events. Ids are compared as they are, in upper and lower case."
    return parts.card(parts.empty(f"There is no event {data.id}.", about))


def _traced(found: Trace) -> Html:
    state, word, sentence = STATUSES[found.status]
    if found.erased_at is not None:
        return parts.verdict(state, word, sentence, figures.moment(figures.parsed(found.erased_at)))
    chosen = f"{found.chosen_action} was shown. " if found.chosen_action else ""
    why = " It explored: another action was more probable." if found.explored else ""
    about = found.refusal or found.note or sentence
    return join(
        parts.verdict(state, word, join(chosen, _rewarded(found)), join(about, why)),
        _times(found),
        parts.card(_ranking(found.ranking), name="Ranking", width=6) if found.ranking else None,
        [parts.card(_ranking(one.ranking), name=f"Slot {one.id}", width=6) for one in found.slots or ()],
        _observations(found),
        _features(found),
    )


def _rewarded(found: Trace) -> str:
    return f"It earned {figures.reward(found.reward)}." if found.reward is not None else "It has no reward yet."


def _times(found: Trace) -> Html:
    rows: list[tuple[str, Child]] = [("event", code(found.event_id)), ("status", found.status)]
    for name, value in (
        ("ranked", found.ranked_at),
        ("rewards awaited until", found.waiting_until),
        ("learned", found.learned_at),
    ):
        if value is not None:
            rows.append((name, figures.moment(figures.parsed(value), "%d %b %Y %H:%M:%S")))
    for name, value in (("mode", found.mode), ("ranked by model", found.model), ("learned by model", found.learned_by)):
        if value is not None:
            rows.append((name, value))
    if found.own_action is not None:
        rows.append(("the model would have shown", found.own_action))
    return parts.card(parts.facts(rows), name="Its way", width=6)


def _ranking(ranking: list[RankedAction]) -> Html:
    columns = [Column("action"), Column("probability", numeric=True)]
    rows = [[b(one.id) if not place else one.id, f"{one.probability:.4f}"] for place, one in enumerate(ranking)]
    return parts.grid(columns, rows, "Ranking")


def _observations(found: Trace) -> Html:
    if not found.observations:
        return parts.card(parts.empty("No reward and no activation came."), name="Observations", width=6)
    columns = [Column("received"), Column("what"), Column("value", numeric=True), Column("counts")]
    rows = [
        [
            figures.moment(figures.parsed(one.at), "%d %b %H:%M:%S"),
            one.kind if one.slot is None else f"{one.kind} of {one.slot}",
            "" if one.value is None else str(one.value),
            drawings.state("ok" if one.fate == "joined" else "warning", one.fate),
        ]
        for one in found.observations
    ]
    return parts.card(parts.grid(columns, rows, "Observations"), name="Observations", width=6)


def _features(found: Trace) -> Html | None:
    if found.context is None and found.actions is None:
        return None

    def written(value: object) -> Html:
        return pre(msgspec.json.format(msgspec.json.encode(value), indent=2).decode(), tabindex="0")

    return parts.card(
        parts.folded("Context", written(found.context), opened=True),
        parts.folded("Actions", written(found.actions)),
        p("As they were logged, and as the model sees them.", cls="muted small gap"),
        name="Features",
    )


PAGE = Page("Events", load, view, "events", Permission.ADMINISTER)
