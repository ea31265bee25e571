"""A news site: its readers change slowly, with the week or by who comes, its rewards come late, its stories are new.

Eight stories, of which every group of readers likes others. What changes, and how, is a scenario each.
"""

from __future__ import annotations

import math
from random import Random

from simulator.scenario import Action, Scenario, Visit

READERS = ("young", "middle-aged", "old")
TOPICS, LENGTHS = ("politics", "sport", "culture", "science"), ("short", "long")
STORIES = [Action(f"story-{one}", [{"topic": TOPICS[one % 4], "length": LENGTHS[one % 2]}]) for one in range(8)]
# Story after story, each better than those before, of a topic that the site has not had.
ARRIVALS = [Action(f"scoop-{one}", [{"topic": "inquiry", "length": LENGTHS[one % 2]}]) for one in range(10)]
MOST_STORIES = 10


def _appeal(reader: int, story: int, phase: float) -> float:
    """The share of readers who open a story; phase: how far tastes have moved, in radians."""
    return 0.1 + 0.175 * (1 + math.sin(1.7 * reader + 2.3 * story + phase))


def _visit(reader: int, more: dict[str, str | int], phase: float) -> Visit:
    expected = [_appeal(reader, story, phase) for story in range(len(STORIES))]
    return Visit([{"reader": READERS[reader], **more}], STORIES, expected)


def drifting(rng: Random, progress: float) -> Visit:
    """By the end every story is liked as much as it was disliked."""
    return _visit(rng.randrange(3), {"device": rng.choice(("phone", "laptop"))}, math.pi * progress)


def weekly(rng: Random, progress: float) -> Visit:
    """Ten weeks, whose weekends have tastes of their own."""
    day = int(progress * 70) % 7
    return _visit(rng.randrange(3), {"day": str(day)}, 2.5 if day >= 5 else 0.0)


def mixed(rng: Random, progress: float) -> Visit:
    """Half-way the young make place for the old."""
    weights = (0.8, 0.15, 0.05) if progress < 0.5 else (0.05, 0.15, 0.8)
    [reader] = rng.choices(range(3), weights)
    return _visit(reader, {"hour": rng.randrange(24)}, 0.0)


def steady(rng: Random, progress: float) -> Visit:
    return _visit(rng.randrange(3), {"edition": rng.choice(("morning", "evening"))}, 1.0)


def arriving(rng: Random, progress: float) -> Visit:
    """After every tenth of the run there is a better story."""
    reader, count = rng.randrange(3), int(progress * len(ARRIVALS))
    expected = [0.1 + 0.05 * ((story + reader) % 3) for story in range(4)] + [0.25 + 0.06 * one for one in range(count)]
    stories = [*STORIES[:4], *ARRIVALS[:count]]
    return Visit([{"reader": READERS[reader]}], stories[-MOST_STORIES:], expected[-MOST_STORIES:])


DRIFT = Scenario("drift", "A news site whose readers' tastes turn round slowly.", drifting)
WEEK = Scenario("week", "A news site whose readers want other stories at weekends.", weekly)
MIX = Scenario("mix", "A news site that half-way gets other readers.", mixed)
LATE = Scenario(
    "late", "A news site that hears late of what was read, or not at all.", steady, delay=1_500, missing=0.3
)
ARRIVAL = Scenario("arrival", "A news site with a better story now and again.", arriving)
