"""A made-up catalogue, who watched what so far, and what simulated viewers watch at which moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from statistics import fmean
from time import sleep
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, csr_matrix

if TYPE_CHECKING:
    from recommender import Pick

FILMS, VIEWERS, WATCHED = 2_000, 400, 40
GENRES = ("comedy", "crime", "documentary", "drama", "family", "fantasy", "music", "nature")
LENGTHS = ("short", "feature", "epic")
DEVICES, TIMES = ("phone", "tablet", "television"), ("morning", "evening", "night")
# What suits a moment, whoever watches.
LENGTH_ON = dict(zip(DEVICES, LENGTHS, strict=True))
GENRES_AT = {
    "morning": ("documentary", "music", "nature"),
    "evening": ("comedy", "family", "drama"),
    "night": ("crime", "fantasy", "drama"),
}


@dataclass(frozen=True)
class Film:
    id: str
    genre: str
    length: str


@dataclass(frozen=True)
class Moment:
    device: str
    time: str


class World:
    """history: viewers by films, 1 where one was watched. Everybody has three favourite genres, which it shows."""

    def __init__(self, seed: int) -> None:
        rng = Random(f"films {seed}")
        self.films = [Film(f"film-{n:04}", rng.choice(GENRES), rng.choice(LENGTHS)) for n in range(FILMS)]
        by_genre = {genre: [n for n, film in enumerate(self.films) if film.genre == genre] for genre in GENRES}
        watched = np.zeros((VIEWERS, FILMS), dtype=np.float32)
        for viewer in range(VIEWERS):
            liked = rng.sample(GENRES, 3)
            for _ in range(WATCHED):
                watched[viewer, rng.choice(by_genre[rng.choice(liked)])] = 1
        self.history = csr_matrix(csr_array(watched))


def share(moment: Moment, film: Film) -> float:
    """The mean share that is watched of a film, among those that suit the viewer's taste anyway."""
    return 0.1 + 0.4 * (film.length == LENGTH_ON[moment.device]) + 0.35 * (film.genre in GENRES_AT[moment.time])


def simulate(
    world: World,
    candidates: Callable[[int], list[Film]],
    pick: Callable[[int, Moment], Pick],
    watched: Callable[[str, float], None],
    count: int,
    pause: float,
    seed: int,
) -> None:
    """Has viewers watch, and prints what the picks of the second half were worth. Figures are true mean shares."""
    rng, rows, unanswered = Random(f"viewers {seed}"), [], 0
    for turn in range(count):
        if turn == count // 2:
            sleep(pause)  # what was sent so far is learned
        viewer, moment = rng.randrange(VIEWERS), Moment(rng.choice(DEVICES), rng.choice(TIMES))
        picked = pick(viewer, moment)
        mean = share(moment, picked.film)
        if picked.event_id is None:
            unanswered += 1
        else:
            watched(picked.event_id, rng.betavariate(4 * mean, 4 * (1 - mean)))
        possible = [share(moment, film) for film in candidates(viewer)]
        rows.append((possible[0], fmean(possible), mean, max(possible)))
    first, at_random, chosen, best = (fmean(column) for column in zip(*rows[count // 2 :], strict=True))
    print(f"{count} recommendations, {unanswered} without an answer. Of the second half, viewers watched:")
    print(f"  the engine's first       {first:6.1%}\n  one of its 20 at random  {at_random:6.1%}")
    print(f"  picked by Personalizer   {chosen:6.1%}\n  the best of the 20       {best:6.1%}")
    print(f"gain: {chosen - first:+.1%} over the engine's first, {chosen - at_random:+.1%} over random")
