"""Few actions and strong combinations: weather and time of day tell the right drink together, neither does alone."""

from __future__ import annotations

from random import Random

from shared.dashboard.demo import cafe
from simulator.scenario import Action, Scenario, Visit

DRINKS = [Action(drink, features) for drink, features in cafe.DRINKS.items()]


def visit(rng: Random, progress: float) -> Visit:
    weather, time = rng.choice(tuple(cafe.FAVOURITES)), cafe.TIMES[rng.randrange(len(cafe.TIMES))]
    return Visit(
        context=cafe.context(weather, time, rng.choice(cafe.WEEKDAYS)),
        actions=DRINKS,
        expected=[cafe.expected(weather, time, drink.id) for drink in DRINKS],
    )


CAFE = Scenario("cafe", "A café suggests one of 4 drinks; the right one depends on weather and time together.", visit)
