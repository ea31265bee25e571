"""Nested feature objects and graded rewards: how much of a film is watched, by whom, where and when.

Each nested object (`viewer`, `screen`, `film`, `maker`) becomes a Vowpal Wabbit namespace of its own.
"""

from __future__ import annotations

from random import Random

from simulator.scenario import Action, Scenario, Visit

FILMS = {
    "The Lighthouse Keeper": ("drama", 130, "France"),
    "Two Left Shoes": ("comedy", 95, "Italy"),
    "Orbit": ("science fiction", 140, "Japan"),
    "Paper Dragons": ("animation", 80, "Japan"),
    "The Last Tram": ("thriller", 110, "Portugal"),
    "Bees of Winter": ("documentary", 50, "Norway"),
    "Small Talk": ("comedy", 25, "Ireland"),
    "Night Shift": ("thriller", 45, "Korea"),
    "Salt": ("documentary", 95, "Chile"),
    "Moss and Fern": ("animation", 20, "Ireland"),
}
ACTIONS = [
    Action(title, [{"film": {"genre": genre, "minutes": minutes}, "maker": {"country": country}}])
    for title, (genre, minutes, country) in FILMS.items()
]

TASTES = {
    "child": {"animation": 0.5, "comedy": 0.2},
    "teen": {"science fiction": 0.45, "thriller": 0.35, "comedy": 0.2},
    "adult": {"thriller": 0.4, "comedy": 0.35, "drama": 0.3, "documentary": 0.2},
    "senior": {"drama": 0.45, "documentary": 0.5},
}
# Minutes a viewer stays.
PATIENCE = {"phone": 30, "tablet": 100, "television": 150}


def _expected_share(genre: str, minutes: int, age: str, device: str) -> float:
    stays = 0.4 if minutes <= PATIENCE[device] else 0.0
    return 0.05 + TASTES[age].get(genre, 0.0) + stays


def share_watched(rng: Random, expected: float) -> float:
    """A share in [0, 1] with mean `expected` and the spread of a beta distribution of concentration 3."""
    return rng.betavariate(3 * expected, 3 * (1 - expected))


def visit(rng: Random, progress: float) -> Visit:
    age, device = rng.choice(tuple(TASTES)), rng.choice(tuple(PATIENCE))
    return Visit(
        context=[
            {"viewer": {"age": age, "plan": rng.choice(("free", "premium"))}},
            {"screen": {"device": device, "battery": rng.randrange(5, 101) / 100}},
        ],
        actions=ACTIONS,
        expected=[_expected_share(genre, minutes, age, device) for genre, minutes, _ in FILMS.values()],
    )


STREAMING = Scenario(
    "streaming",
    "A streaming service opens with one of 10 films; the reward is the share that is watched.",
    visit,
    share_watched,
)
