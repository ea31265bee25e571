"""Logs of a service whose rewards are known: two kinds of visitors, three actions, each kind likes another one."""

import json
import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from shared.joined_log.joined_lines import timestamp
from shared.vw import dsjson
from shared.vw.dsjson import Line, State

START = 1_750_000_000_000 // 3_600_000 * 3_600_000  # ms since 1970, a full hour
ACTIONS = ("news", "sports", "music")
VISITORS = ("morning", "night")


class World(NamedTuple):
    """earns: the chance of a reward by visitor and action. p: the logged probabilities by visitor and action."""

    earns: Sequence[Sequence[float]] = ((0.1, 0.8, 0.2), (0.1, 0.2, 0.8))
    p: Sequence[Sequence[float]] = ((1 / 3,) * 3, (1 / 3,) * 3)


def context(visitor: int) -> bytes:
    """As Rank writes it."""
    actions = [{"_tag": one, "i": {"constant": 1, "id": one}, "j": [{"kind": one}]} for one in ACTIONS]
    return json.dumps({"FromUrl": [{"hour": VISITORS[visitor]}], "_multi": actions}, separators=(",", ":")).encode()


CONTEXTS = [msgspec.Raw(context(visitor)) for visitor in range(2)]


def log(count: int, seed: int = 1, world: World | None = None, seconds: float = 10.0) -> list[Line]:
    """Events, so many seconds from each to the next."""
    world, rng = world or World(), random.Random(seed)
    return [_event(number, rng, world, seconds) for number in range(count)]


def _event(number: int, rng: random.Random, world: World, seconds: float) -> Line:
    visitor = rng.randrange(2)
    p = world.p[visitor]
    [chosen] = rng.choices(range(len(p)), p)
    reward = float(rng.random() < world.earns[visitor][chosen])
    order = [chosen, *(other for other in range(len(p)) if other != chosen)]
    return Line(
        cost=-reward,
        probability=p[chosen],
        action=chosen + 1,
        index=chosen,
        at=timestamp(START + round(number * seconds * 1000)),
        version="1",
        id=f"e{number:06d}",
        a=[one + 1 for one in order],
        c=CONTEXTS[visitor],
        p=[p[one] for one in order],
        state=State("N/A"),
        original_cost=-reward,
    )


def encoded(lines: Iterable[Line]) -> bytes:
    """As the log holds them."""
    return b"".join(map(dsjson.encode, lines))
