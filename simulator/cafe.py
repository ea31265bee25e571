"""Few actions and strong combinations: weather and time of day tell the right drink together, neither does alone."""

from __future__ import annotations

from random import Random

from simulator.scenario import Action, Scenario, Visit

TIMES = ("morning", "noon", "evening")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# Rows follow TIMES. Every drink is the favourite at several times and in several kinds of weather.
FAVOURITES = {
    "sunny": ("espresso", "lemonade", "apple spritz"),
    "rainy": ("hot chocolate", "espresso", "lemonade"),
    "windy": ("lemonade", "apple spritz", "hot chocolate"),
    "snowy": ("apple spritz", "hot chocolate", "espresso"),
}

DRINKS = [
    Action("espresso", [{"served": "hot", "price": 2.2}]),
    Action("lemonade", [{"served": "cold", "price": 3.5}]),
    Action("hot chocolate", [{"served": "hot", "price": 3.9}]),
    Action("apple spritz", [{"served": "cold", "price": 3.2}]),
]

ORDERED_IF_FAVOURITE = 0.8
ORDERED_OTHERWISE = 0.15


def visit(rng: Random, progress: float) -> Visit:
    weather, time = rng.choice(tuple(FAVOURITES)), rng.randrange(len(TIMES))
    favourite = FAVOURITES[weather][time]
    return Visit(
        context=[{"weather": weather, "time": TIMES[time]}, {"weekday": rng.choice(WEEKDAYS)}],
        actions=DRINKS,
        expected=[ORDERED_IF_FAVOURITE if drink.id == favourite else ORDERED_OTHERWISE for drink in DRINKS],
    )


CAFE = Scenario("cafe", "A café suggests one of 4 drinks; the right one depends on weather and time together.", visit)
