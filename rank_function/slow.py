"""Ranks that take long: read, predicted or explained beside the event loop, while others are answered."""

import functools

from shared.rank import ranking, slots_ranking
from shared.rank.aside import Aside, Served
from shared.rank.explanation import explain, shares
from shared.rank.ranking import Asked, Decision
from shared.rank.slots_ranking import SlotsAsked, SlotsDecision
from shared.rank.wire import ActionExplanation
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.vw import policy
from shared.vw.cost import cost_of
from shared.vw.model import Model, PredictionError

# An explanation looks at every crossing in Python, which takes 1 to 2 us each.
FEW_CROSSINGS = 3_000


@functools.lru_cache(1)
def _aside(service: Service) -> Aside:
    aside = Aside(service.storage)
    service.closing.push_async_callback(aside.close)
    return aside


async def read(service: Service, loop: Serving, body: bytes) -> tuple[Asked, bool]:
    """What a long request asks, and whether it defers its activation; raises ApiError."""
    await loop.ready()
    await loop.require(multi_slot=False)
    try:
        return await _aside(service).read(loop.loop, body, loop.config.policy.arguments)
    except PredictionError as error:
        raise ranking.unfit(error) from None


async def read_slots(service: Service, loop: Serving, body: bytes) -> tuple[SlotsAsked, bool]:
    """`read` of a multi-slot request."""
    await loop.ready()
    await loop.require(multi_slot=True)
    try:
        return await _aside(service).read_slots(loop.loop, body, loop.config.policy.arguments)
    except PredictionError as error:
        raise ranking.unfit(error) from None


async def decide(service: Service, loop: Serving, asked: Asked) -> tuple[Decision, list[ActionExplanation] | None]:
    """The decision, and its explanation if the loop's configuration asks for it; raises ApiError."""
    config, model = loop.config, loop.model
    if model is None or config.mode == "LoggingOnly":
        decision = ranking.draw(asked, config, model, None, loop.hash)
        return decision, explain(decision, None) if config.explain else None
    served, aside = _served(loop, model), _aside(service)
    try:
        if asked.is_dear:
            pmf = await aside.predict(loop.loop, served, asked.context, len(asked.candidates))
        else:
            pmf = model.predict(asked.context, len(asked.candidates))
        decision = ranking.draw(asked, config, model, pmf, loop.hash)
        if not config.explain:
            return decision, None
        # The model may be closed once something was waited for.
        if not asked.is_dear and _few_crossings(loop, asked):
            return decision, explain(decision, shares(model, asked.context, decision.ranking.order))
        found = await aside.shares(loop.loop, served, asked.context, decision.ranking.order)
        return decision, explain(decision, found)
    except PredictionError as error:
        raise ranking.unfit(error) from None


async def decide_slots(service: Service, loop: Serving, asked: SlotsAsked) -> SlotsDecision:
    """The decision of a multi-slot request; raises ApiError."""
    config, model = loop.config, loop.model
    if model is None or config.mode == "LoggingOnly":
        return slots_ranking.decided(asked, config, model, None, loop.hash)
    try:
        served, count = _served(loop, model), len(asked.slots)
        drawn = await _aside(service).predict_slots(loop.loop, served, asked.context, count)
    except PredictionError as error:
        raise ranking.unfit(error) from None
    return slots_ranking.decided(asked, config, model, drawn, loop.hash)


def _served(loop: Serving, model: Model) -> Served:
    assert loop.record is not None
    options = policy.parse(loop.record.arguments).exploration_options(loop.config.exploration)
    return Served(" ".join((loop.home, model.version, *options)), loop.record.predict, tuple(options))


def _few_crossings(loop: Serving, asked: Asked) -> bool:
    units = cost_of(loop.config.policy.arguments).of(asked.context, len(asked.candidates))
    return units <= FEW_CROSSINGS
