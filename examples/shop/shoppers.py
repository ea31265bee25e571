"""Simulated shoppers, whose wishes depend on where they come from, when, and whether they have been here before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from random import Random
from statistics import fmean
from time import sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shop import Choice, Offer

FIRST_VISIT = {"search": "tech", "newsletter": "kitchen", "social": "toys", "direct": "outdoor"}
LATER_VISIT = {"morning": "garden", "afternoon": "kitchen", "evening": "tech"}
CONTEXTS: list[dict[str, object]] = [
    {"device": device, "came_from": came_from, "time": time, "returning": returning}
    for device, came_from, time, returning in product(("phone", "computer"), FIRST_VISIT, LATER_VISIT, (False, True))
]


def chance(context: dict[str, object], offer: Offer) -> float:
    """The probability that such a shopper takes the offer if the page leads with it."""
    wishes = LATER_VISIT[str(context["time"])] if context["returning"] else FIRST_VISIT[str(context["came_from"])]
    return 0.05 + 0.35 * (offer.kind == wishes) + 0.3 * offer.discount / 100


def simulate(
    offers: Sequence[Offer],
    choose: Callable[[dict[str, object]], Choice],
    taken: Callable[[str], None],
    count: int,
    pause: float,
    seed: int,
) -> None:
    """Sends shoppers through the shop's own functions, and prints what the second half of them was worth.

    Every figure is a mean of true chances, so luck with single shoppers is not in it.
    """
    rng, chances, unanswered = Random(seed), [], 0
    visits = [rng.choice(CONTEXTS) for _ in range(count)]
    for turn, context in enumerate(visits):
        if turn == count // 2:
            sleep(pause)  # what was sent so far is learned
        choice = choose(context)
        chances.append(chance(context, choice.offer))
        if choice.event_id is None:
            unanswered += 1
        elif rng.random() < chances[-1]:
            taken(choice.event_id)
    late = visits[count // 2 :]
    chosen, baseline = fmean(chances[count // 2 :]), fmean(chance(one, offers[0]) for one in late)
    at_random = fmean(chance(one, offer) for one in late for offer in offers)
    best = fmean(max(chance(one, offer) for offer in offers) for one in late)
    print(f"{count} shoppers, {unanswered} without an answer. Of the second half, the leading offer was taken by:")
    print(f"  always the first offer  {baseline:6.1%}\n  at random               {at_random:6.1%}")
    print(f"  chosen by Personalizer  {chosen:6.1%}\n  the best for each       {best:6.1%}")
    print(f"gain: {chosen - baseline:+.1%} over the first offer, {chosen - at_random:+.1%} over random")
