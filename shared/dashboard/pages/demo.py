"""The demo: a café as its guests see it, with the backstage beside it, on a real loop of its own."""

from collections.abc import Mapping

import msgspec

from shared.auth import Permission
from shared.dashboard import drawings, figures, links, parts
from shared.dashboard.demo import cafe, playing
from shared.dashboard.demo.playing import Offer, Worth
from shared.dashboard.markup import Child, Html, b, div, h1, h2, join, label, option, p, pre, select
from shared.dashboard.page import Call, Page
from shared.dashboard.parts import Column

URL = f"{links.ROOT}/demo"


class Demo(msgspec.Struct, frozen=True):
    """weather, time: of the visit that the form offers next. worth: None if there is no loop yet."""

    loop: str
    exists: bool
    weather: str
    time: str
    model: str | None
    learned: int | None
    worth: Worth | None


async def load(call: Call) -> Demo:
    """How the loop's current model does, by the truth."""
    weather, time = moment(call.given)
    if not await call.service.registry.has(playing.LOOP):
        return Demo(playing.LOOP, False, weather, time, None, None, None)
    loop = call.service.loop(playing.LOOP)
    await loop.refresh()
    learned = loop.record.learned if loop.record is not None else None
    version = loop.record.version if loop.record is not None else None
    return Demo(playing.LOOP, True, weather, time, version, learned, playing.worth(loop))


def moment(given: Mapping[str, str]) -> tuple[str, str]:
    """Weather and time as a form has them, the first of each without one."""
    weather, time = given.get("weather", ""), given.get("time", "")
    return (
        weather if weather in cafe.FAVOURITES else next(iter(cafe.FAVOURITES)),
        time if time in cafe.TIMES else cafe.TIMES[0],
    )


def view(data: Demo, call: Call) -> Html:
    """The page."""
    if data.worth is None:
        return parts.card(
            h1("Try it as a visitor"),
            p(
                "A café offers each guest one of four drinks. Which one is right depends on weather and time of day "
                "together, and nobody tells the loop.",
                cls="lead gap",
            ),
            p(f"This makes a loop of its own, {data.loop}, which you can end again here.", cls="muted gap"),
            parts.post(f"{links.ROOT}/loops/demo-begin", "Open the café", kind="primary", cls="gap"),
        )
    return join(
        div(parts.card(*_guest(data, None), name="As a guest sees it", more="guest"), _sending(data), cls="stack w5"),
        div(_learned(data, data.worth), cls="stack w7"),
    )


def after(data: Demo, offer: Offer) -> Html:
    """The page while a guest has an offer."""
    return join(
        div(parts.card(*_guest(data, offer), name="As a guest sees it", more="guest"), cls="stack w5"),
        div(_backstage(data, offer), cls="stack w7"),
    )


def _guest(data: Demo, offer: Offer | None) -> list[Child]:
    if offer is None:
        return [
            p(f"It is a {data.weather} {data.time}. A guest comes in.", cls="lead"),
            _moment(data, "Come in"),
        ]
    kept = {"event": offer.event, "weather": data.weather, "time": data.time}
    url = f"{links.ROOT}/loops/demo-answer"
    return [
        p(f"It is a {data.weather} {data.time}. May we suggest", cls="lead"),
        p(f"{offer.drink}?", cls="figure"),
        div(
            parts.post(url, "Yes, please", kind="primary", hidden={**kept, "value": 1}),
            parts.post(url, "No, thanks", hidden={**kept, "value": 0}),
            cls="buttons gap",
        ),
    ]


def _moment(data: Demo, name: str) -> Html:
    boxes = [
        div(label(title, for_=field), select(_options(choices, current), id=field, name=field))
        for title, field, choices, current in (
            ("Weather", "weather", tuple(cafe.FAVOURITES), data.weather),
            ("Time", "time", cafe.TIMES, data.time),
        )
    ]
    form = div(boxes, cls="fields two")
    return parts.post(f"{links.ROOT}/loops/demo-visit", name, form, kind="primary", cls="fields gap")


def _options(choices: tuple[str, ...], current: str) -> list[Html]:
    return [option(one, value=one, selected=one == current) for one in choices]


def _backstage(data: Demo, offer: Offer) -> Html:
    mark = (
        drawings.state("warning", "Exploring")
        if offer.explored
        else drawings.state("ok", "Using the learned model")
        if offer.model != "N/A"
        else drawings.state("unknown", "No model yet: at random")
    )
    right = cafe.favourite(data.weather, data.time)
    truth = "It is what most guests want now." if offer.drink == right else f"Most guests want {right} now."
    return parts.card(
        mark,
        p(f"{offer.drink} was drawn with probability {offer.probability:.3f}. {truth}", cls="gap"),
        h2("Request", cls="gap"),
        _json(offer.request),
        h2("Answer", cls="gap"),
        _json(offer.answer),
        parts.hint(
            "A click sends a reward of 1 or 0 for the event id. It is learned a few seconds later, as that of any "
            "application."
        ),
        name="Backstage",
    )


def _json(body: bytes) -> Html:
    return pre(msgspec.json.format(body, indent=2).decode(), tabindex="0")


def _sending(data: Demo) -> Html:
    sent = parts.post(f"{links.ROOT}/loops/demo-send", f"Send {figures.count(playing.VISITORS)} visitors")
    end = parts.post(f"{links.ROOT}/loops/demo-end", "Close the café", kind="danger")
    about = p("Simulated guests come at random moments, and order as often as their world says.", cls="muted small")
    closing = p("The loop, its model and its log are gone then.", cls="muted small")
    look = parts.link("Its overview", links.of_loop(data.loop))
    return parts.card(about, div(sent, look, cls="buttons gap"), parts.folded("End the demo", closing, end))


def _learned(data: Demo, worth: Worth) -> Html:
    gain = (worth.now - worth.random) / (worth.best - worth.random)
    rows = [
        ("at random", worth.random * 100, "random"),
        ("this loop", worth.now * 100, "online"),
        ("best possible", worth.best * 100, "random"),
    ]
    learned = f"It has learned {figures.plural(data.learned, 'visit')}." if data.learned else "It has no model yet."
    columns = [
        Column("weather"),
        Column("time"),
        Column("offers mostly"),
        Column("how often", numeric=True),
        Column(""),
    ]
    moments = [
        [
            weather,
            time,
            b(drink),
            figures.percent(share),
            drawings.state("ok", "right") if drink == right else drawings.state("unknown", f"better: {right}"),
        ]
        for weather, time, drink, share, right in worth.moments
    ]
    return parts.card(
        h1(f"It makes {figures.percent(max(0.0, gain))} of the way from random to the best possible."),
        p(f"{learned} Orders per 100 guests, by the true chances, which it does not know:", cls="muted gap"),
        drawings.bars(rows, ", ".join(f"{name} {figures.count(number)}" for name, number, _ in rows)),
        parts.grid(columns, moments, "What it offers when"),
        data_watch=4,
    )


PAGE = Page("Demo", load, view, needs=Permission.OWN)
