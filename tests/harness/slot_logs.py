"""Logs of decisions about two slots whose rewards are known, as the service writes them.

Two kinds of visitors, four actions of which the second slot may not get the third. What the second slot earns depends
on what the first one shows, so that slots cannot be judged one by one.
"""

import json
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from shared.joined_log.joined_lines import timestamp
from shared.vw.dsjson import Slot, SlotsLine, State

START = 1_750_000_000_000 // 3_600_000 * 3_600_000
ACTIONS, VISITORS, SLOTS = ("news", "sports", "music", "films"), ("morning", "night"), ("top", "side")
OPEN = ([0, 1, 2, 3], [0, 1, 3])
BASELINES = [0, 1]
# By visitor what each slot likes; beside news the side earns half.
LIKED = ((1, 0), (2, 3))
EARNS, ELSE = (0.7, 0.6), (0.2, 0.1)
EPSILON = 0.5


class Truth(NamedTuple):
    """What slots earn: of each, and on average."""

    top: float
    side: float

    @property
    def mean(self) -> float:
        return (self.top + self.side) / 2


def chance(visitor: int, place: int, action: int, first: int) -> float:
    """Of a reward in a slot, `first` being what the first slot shows."""
    earns = (EARNS if LIKED[visitor][place] == action else ELSE)[place]
    return earns / 2 if place and first == 0 else earns


def logging(_visitor: int, _place: int, left: Sequence[int]) -> list[float]:
    """Its probabilities: the first action that is left is the likeliest."""
    return [1 - EPSILON + EPSILON / len(left), *[EPSILON / len(left)] * (len(left) - 1)]


def uniform(_visitor: int, _place: int, left: Sequence[int]) -> list[float]:
    return [1 / len(left)] * len(left)


def baseline(_visitor: int, place: int, left: Sequence[int]) -> list[float]:
    return [float(one == BASELINES[place]) for one in left]


def liking(visitor: int, place: int, left: Sequence[int], share: float = 0.2) -> list[float]:
    """A policy that knows what is liked, and explores with a share."""
    best = LIKED[visitor][place] if LIKED[visitor][place] in left else left[0]
    return [(1 - share) * (one == best) + share / len(left) for one in left]


def truth(pmf: Any) -> Truth:
    """What a policy earns, over all ways of a decision."""
    earned = [0.0, 0.0]
    for visitor in range(2):
        for first, p in zip(OPEN[0], pmf(visitor, 0, OPEN[0]), strict=True):
            earned[0] += p * chance(visitor, 0, first, first) / 2
            left = [one for one in OPEN[1] if one != first]
            for second, q in zip(left, pmf(visitor, 1, left), strict=True):
                earned[1] += p * q * chance(visitor, 1, second, first) / 2
    return Truth(*earned)


def context(visitor: int) -> bytes:
    """As Rank writes it."""
    actions = [{"_tag": one, "i": {"constant": 1, "id": one}, "j": [{"kind": one}]} for one in ACTIONS]
    slots = [{"_id": "top", "sj": [{"size": "large"}]}, {"_id": "side", "sj": [{"size": "small"}], "_inc": OPEN[1]}]
    made = {"FromUrl": [{"hour": VISITORS[visitor]}], "_multi": actions, "_slots": slots}
    return json.dumps(made, separators=(",", ":")).encode()


CONTEXTS = [msgspec.Raw(context(visitor)) for visitor in range(2)]


def log(count: int, seed: int = 1, seconds: float = 10.0) -> list[SlotsLine]:
    """Events, so many seconds from each to the next."""
    rng = random.Random(seed)
    return [_event(number, rng, seconds) for number in range(count)]


def _event(number: int, rng: random.Random, seconds: float) -> SlotsLine:
    visitor, taken, slots = rng.randrange(2), list[int](), list[Slot]()
    for place, name in enumerate(SLOTS):
        left = [one for one in OPEN[place] if one not in taken]
        p = logging(visitor, place, left)
        [at] = rng.choices(range(len(left)), p)
        order = [at, *(one for one in range(len(left)) if one != at)]
        taken.append(left[at])
        reward = float(rng.random() < chance(visitor, place, left[at], taken[0]))
        slots.append(Slot(-reward, name, [left[one] for one in order], [p[one] for one in order], [], -reward))
    return SlotsLine(
        at=timestamp(START + round(number * seconds * 1000)),
        version="1",
        id=f"e{number:06d}",
        c=CONTEXTS[visitor],
        slots=slots,
        state=State("N/A"),
        baselines=BASELINES,
    )


def visitor_of(line: SlotsLine) -> int:
    return next(one for one, name in enumerate(VISITORS) if name.encode() in bytes(line.c))
