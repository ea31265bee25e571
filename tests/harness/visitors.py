"""What decisions see: the features of visitors, some of which follow the calendar, given to samples by the hour."""

import math
import random
from collections.abc import Callable

from shared.loops.feature_sample import Sample, level_of
from shared.loops.feature_values import Value

Features = dict[str, list[Value]]
# Of a visitor in an hour, counted from the beginning of a Monday.
See = Callable[[int, random.Random], Features]

WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_BITS = 64


def calm(hour: int, chance: random.Random) -> Features:
    """As always: what follows the calendar is no news."""
    day = hour // 24
    return {
        "time.day": [WEEK[day % 7]],
        "time.weekend": ["true" if day % 7 > 4 else "false"],
        "time.date": [f"day {day}"],
        "time.hour": [float(hour % 24)],
        "visitor.device": chance.choices(["phone", "desktop", "tablet"], [60, 30, 10]),
        "visitor.age": [float(min(90, max(18, round(chance.gauss(40, 14)))))],
        "visitor.interests": chance.sample(["sport", "news", "art", "food"], 2),
        "place.city": [f"city {min(49, int(chance.expovariate(0.1)))}"],
        "place.temperature": [10 + 8 * math.sin(hour / 24 * 2 * math.pi) + chance.gauss(0, 3)],
        "actionFeatures.topic": [chance.choice("abcdef")],
    }


def renamed(hour: int, chance: random.Random) -> Features:
    """A value has another name."""
    seen = calm(hour, chance)
    return seen | {"visitor.device": [{"phone": "mobile"}.get(str(one), one) for one in seen["visitor.device"]]}


def dropped(hour: int, chance: random.Random) -> Features:
    """A feature is sent no more."""
    return {name: values for name, values in calm(hour, chance).items() if name != "visitor.age"}


def rescaled(hour: int, chance: random.Random) -> Features:
    """A number is sent in another unit."""
    seen = calm(hour, chance)
    return seen | {"place.temperature": [one * 1.8 + 32 for one in seen["place.temperature"] if isinstance(one, float)]}


def numbered(hour: int, chance: random.Random) -> Features:
    """An id that nobody shares."""
    return calm(hour, chance) | {"visitor.session": [f"s{chance.getrandbits(_BITS)}"]}


def stamped(hour: int, chance: random.Random) -> Features:
    """A time stamp in milliseconds, as a number."""
    return calm(hour, chance) | {"time.now": [1.7e12 + hour * 3_600_000 + chance.randrange(3_600_000)]}


def sampled(see: See, hour: int, count: int) -> Sample:
    """The sample of so many decisions of an hour."""
    chance, made = random.Random(hour), Sample()
    for _ in range(count):
        stratum = made.admit(level_of(chance.getrandbits(_BITS)))
        seen = see(hour, chance)
        if stratum is not None:
            stratum.add(seen)
    return made
