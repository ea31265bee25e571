"""Many actions with features and noisy rewards: 50 books, of which a reader may open one."""

from __future__ import annotations

import math
from itertools import product
from random import Random

from simulator.scenario import Action, Scenario, Visit

GENRES = ("crime", "fantasy", "history", "romance", "science")
LENGTHS = {"novella": 120, "short": 220, "medium": 340, "long": 520, "epic": 900}
EDITIONS = {"paperback": 11.9, "hardcover": 27.5}

BOOKS = [
    Action(
        f"{length}-{genre}-{edition}",
        [{"genre": genre, "edition": edition}, {"hundred_pages": LENGTHS[length] / 100, "price": EDITIONS[edition]}],
    )
    for genre, length, edition in product(GENRES, LENGTHS, EDITIONS)
]

# When somebody reads, and the pages such readers like best.
PACES = {"commuter": 200, "weekend": 350, "every evening": 600}


def _appeal(book: Action, genre: str, pages: int, saving: bool) -> float:
    """Log-odds that the reader opens the book."""
    style, size = book.features
    same_genre = 2.2 if style["genre"] == genre else 0.0
    wrong_length = abs(math.log(100 * size["hundred_pages"] / pages))
    too_dear = 1.5 if saving and style["edition"] == "hardcover" else 0.0
    return -2.0 + same_genre - wrong_length - too_dear


def visit(rng: Random, progress: float) -> Visit:
    genre, pace, saving = rng.choice(GENRES), rng.choice(tuple(PACES)), rng.random() < 0.5
    return Visit(
        context=[
            {"last_read": genre, "reads": pace},
            {"buys": "on sale" if saving else "new", "age": rng.randrange(16, 80)},
        ],
        actions=BOOKS,
        expected=[1 / (1 + math.exp(-_appeal(book, genre, PACES[pace], saving))) for book in BOOKS],
    )


BOOKSHOP = Scenario(
    "bookshop", "A bookshop recommends one of 50 books; readers open few of them, and not reliably.", visit
)
