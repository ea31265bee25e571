"""What happens in the demo: the café opens, a guest comes and answers, many come, it closes."""

from shared.admin import configuration, loops
from shared.auth import Permission
from shared.dashboard.actions.action import Action
from shared.dashboard.demo import cafe, playing
from shared.dashboard.markup import Html
from shared.dashboard.page import Call
from shared.dashboard.pages import demo
from shared.errors import ApiError
from shared.serving.loop import Serving

# A visitor who is nobody in particular comes on this day.
WEEKDAY = cafe.WEEKDAYS[5]


async def begin(call: Call) -> str:
    """Makes the loop, which learns within seconds."""
    _check(call)
    await loops.create(call.service, playing.LOOP)
    await configuration.change(call.service.loop(playing.LOOP), playing.configured)
    return demo.URL


async def visit(call: Call) -> Html:
    """One guest, who gets an offer."""
    loop = await _loop(call)
    weather, time = demo.moment(call.given)
    offer = await playing.visit(call.service, loop, weather, time, WEEKDAY)
    return demo.after(await demo.load(call), offer)


async def answer(call: Call) -> str:
    """What the guest says to it."""
    loop, event_id = await _loop(call), call.given.get("event", "")
    if not event_id or len(event_id) > 256:
        raise ApiError("InvalidRequest", "This visit is over; come in again.")
    await playing.reward(call.service, loop, event_id, float(call.given.get("value") == "1"))
    weather, time = demo.moment(call.given)
    return f"{demo.URL}?weather={weather}&time={time}"


async def send(call: Call) -> str:
    """Many guests, one after the other."""
    await playing.send(call.service, await _loop(call))
    return demo.URL


async def end(call: Call) -> str:
    """Deletes the loop."""
    _check(call)
    await loops.delete(call.service, playing.LOOP)
    return demo.URL


async def _loop(call: Call) -> Serving:
    _check(call)
    if not await call.service.registry.has(playing.LOOP):
        raise ApiError("ResourceNotFound", "The café is closed: open it first.")
    return call.service.loop(playing.LOOP)


def _check(call: Call) -> None:
    if not call.service.settings.demo:
        raise ApiError("InvalidApiAccess", "The demo is off here: set DEMO to true.")


ACTIONS = {
    "demo-begin": Action("Demo", begin, needs=Permission.OWN, of_deployment=True),
    "demo-visit": Action("Demo", visit, needs=Permission.OWN, of_deployment=True),
    "demo-answer": Action("Demo", answer, needs=Permission.OWN, of_deployment=True),
    "demo-send": Action("Demo", send, needs=Permission.OWN, of_deployment=True),
    "demo-end": Action("Demo", end, needs=Permission.OWN, of_deployment=True),
}
