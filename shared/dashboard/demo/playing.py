"""Visitors of the demo's café: real Ranks and rewards of a loop of its own, in this process."""

import asyncio
import random
from typing import Any, NamedTuple

import msgspec

from shared.dashboard.demo import cafe
from shared.hubs import events
from shared.loops.config import LoopConfig
from shared.rank import ranking, wire
from shared.serving.loop import Serving
from shared.serving.service import Service

LOOP = "demo-cafe"
VISITORS = 1000
# As many are under way at once; others' requests are answered between any two of them.
AT_ONCE = 20


class Offer(NamedTuple):
    """What was asked and answered. request, answer: as the REST API has them."""

    request: bytes
    answer: bytes
    event: str
    drink: str
    probability: float
    explored: bool
    model: str


class Worth(msgspec.Struct, frozen=True):
    """How often guests order what would be offered: by the current model, at best, and at random.

    moments: weather, time, the drink that is most likely to be offered, how likely that is, and the right one.
    """

    now: float
    best: float
    random: float
    moments: list[tuple[str, str, str, float, str]]


def configured(config: LoopConfig) -> LoopConfig:
    """It learns within seconds."""
    return msgspec.structs.replace(config, wait=5.0, export=2.0, retention_days=7)


async def visit(service: Service, loop: Serving, weather: str, time: str, weekday: str) -> Offer:
    """One Rank, logged as any other."""
    await loop.current()
    asked = body(weather, time, weekday, events.new_id())
    decision = ranking.decide(wire.rank_request(asked), loop.config, loop.model, loop.hash)
    answer, event = ranking.answer(decision), ranking.event(decision, loop.loop, deferred=False)
    await service.interactions.append(service.partition(decision.event_id), event)
    order, probabilities = decision.ranking
    drink, chance = decision.candidates[order[0]], probabilities[0]
    return Offer(asked, answer, decision.event_id, drink, chance, chance < max(probabilities), decision.model)


async def reward(service: Service, loop: Serving, event_id: str, value: float) -> None:
    """What came of an offer."""
    seen = events.Observation(
        v=events.VERSION, loop=loop.loop, id=event_id, at=events.now(), kind="reward", nonce=events.nonce(), value=value
    )
    await service.observations.append(service.partition(event_id), events.encode(seen))


async def send(service: Service, loop: Serving, count: int = VISITORS) -> None:
    """Simulated visitors at random moments, who order as often as their world says."""
    chance = random.Random()

    async def one() -> None:
        weather, time = chance.choice(cafe.MOMENTS)
        offer = await visit(service, loop, weather, time, chance.choice(cafe.WEEKDAYS))
        ordered = float(chance.random() < cafe.expected(weather, time, offer.drink))
        await reward(service, loop, offer.event, ordered)
        await asyncio.sleep(0)

    for first in range(0, count, AT_ONCE):
        await asyncio.gather(*(one() for _ in range(min(AT_ONCE, count - first))))


def worth(loop: Serving) -> Worth:
    """By the true chances, which the loop does not know; exact, over all moments alike."""
    found, moments = 0.0, []
    for weather, time in cafe.MOMENTS:
        shares = _shares(loop, weather, time)
        found += sum(share * cafe.expected(weather, time, drink) for drink, share in shares.items())
        likely = max(shares, key=lambda drink: shares[drink])
        moments.append((weather, time, likely, shares[likely], cafe.favourite(weather, time)))
    others = len(cafe.DRINKS) - 1
    at_random = (cafe.ORDERED_IF_FAVOURITE + others * cafe.ORDERED_OTHERWISE) / len(cafe.DRINKS)
    return Worth(found / len(cafe.MOMENTS), cafe.ORDERED_IF_FAVOURITE, at_random, moments)


def _shares(loop: Serving, weather: str, time: str) -> dict[str, float]:
    """How likely each drink is to be offered."""
    asked = body(weather, time, cafe.WEEKDAYS[0], "what-if")
    decision = ranking.decide(wire.rank_request(asked), loop.config, loop.model, loop.hash)
    order, probabilities = decision.ranking
    return {decision.candidates[place]: share for place, share in zip(order, probabilities, strict=True)}


def body(weather: str, time: str, weekday: str, event_id: str) -> bytes:
    """What Rank is asked for a guest."""
    actions: list[dict[str, Any]] = [{"id": drink, "features": features} for drink, features in cafe.DRINKS.items()]
    request = {"eventId": event_id, "contextFeatures": cafe.context(weather, time, weekday), "actions": actions}
    return msgspec.json.encode(request)
