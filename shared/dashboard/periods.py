"""Which period a page tells of, and by what stretches of time."""

from typing import NamedTuple

from shared.loops.summary import DAY_MS, FIVE_MINUTES_MS, HOUR_MS

# By the word in an address: how long a period is, and by which stretches it is drawn unless others are asked for (ms).
PERIODS = {
    "6h": (6 * HOUR_MS, FIVE_MINUTES_MS),
    "1d": (DAY_MS, HOUR_MS),
    "7d": (7 * DAY_MS, 6 * HOUR_MS),
    "14d": (14 * DAY_MS, 6 * HOUR_MS),
    "30d": (30 * DAY_MS, DAY_MS),
}
SPANS = {"5m": FIVE_MINUTES_MS, "1h": HOUR_MS, "6h": 6 * HOUR_MS, "12h": 12 * HOUR_MS, "1d": DAY_MS}
NAMES = {"5m": "5 min", "1h": "1 h", "6h": "6 h", "12h": "12 h", "1d": "1 day"}
NAMES |= {"7d": "7 days", "14d": "14 days", "30d": "30 days"}
USUAL = "14d"
MOST_POINTS = 360


class Period(NamedTuple):
    """word, by: as in an address. start, end, span: in ms, multiples of the span."""

    word: str
    by: str
    start: int
    end: int
    span: int


def asked(period: str, by: str | None, now: int) -> Period:
    """The last so many hours or days, up to the end of the stretch that is under way. now: ms since 1970."""
    length, usual = PERIODS.get(period, PERIODS[USUAL])
    span = SPANS.get(by or "", usual)
    if not fits(length, span):
        span = usual
    end = now - now % span + span
    word = period if period in PERIODS else USUAL
    return Period(word, next(name for name, one in SPANS.items() if one == span), end - length, end, span)


def fits(length: int, span: int) -> bool:
    """Whether a period by such stretches can be drawn: at least four points, and not too many."""
    return 4 * span <= length <= MOST_POINTS * span


def finest(length: int) -> str:
    """The shortest stretch by which a period of so many ms can be drawn."""
    return next(word for word, span in SPANS.items() if fits(length, span))


def shortest(length: int) -> str:
    """The shortest period that has all of the last `length` ms, at most the usual one."""
    return next((word for word, (whole, _) in PERIODS.items() if whole >= length or word == USUAL), USUAL)
