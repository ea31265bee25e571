"""The world of the demo: a café, whose guests' favourite drinks depend on weather and time of day together."""

from itertools import product
from typing import Any

TIMES = ("morning", "noon", "evening")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# Rows follow TIMES. Every drink is the favourite at several times and in several kinds of weather.
FAVOURITES = {
    "sunny": ("espresso", "lemonade", "apple spritz"),
    "rainy": ("hot chocolate", "espresso", "lemonade"),
    "windy": ("lemonade", "apple spritz", "hot chocolate"),
    "snowy": ("apple spritz", "hot chocolate", "espresso"),
}
DRINKS: dict[str, list[dict[str, Any]]] = {
    "espresso": [{"served": "hot", "price": 2.2}],
    "lemonade": [{"served": "cold", "price": 3.5}],
    "hot chocolate": [{"served": "hot", "price": 3.9}],
    "apple spritz": [{"served": "cold", "price": 3.2}],
}
# How often a guest orders what is offered: the best that can be had, and anything else.
ORDERED_IF_FAVOURITE, ORDERED_OTHERWISE = 0.8, 0.15
MOMENTS = tuple(product(FAVOURITES, TIMES))


def favourite(weather: str, time: str) -> str:
    """The drink that is right at this moment."""
    return FAVOURITES[weather][TIMES.index(time)]


def expected(weather: str, time: str, drink: str) -> float:
    """How often a guest orders a drink that is offered at this moment."""
    return ORDERED_IF_FAVOURITE if drink == favourite(weather, time) else ORDERED_OTHERWISE


def context(weather: str, time: str, weekday: str) -> list[dict[str, Any]]:
    """What Rank is told of the moment."""
    return [{"weather": weather, "time": time}, {"weekday": weekday}]
