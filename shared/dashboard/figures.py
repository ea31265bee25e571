"""How numbers and times are written: thousands with a comma, units behind a narrow space, times in UTC."""

from datetime import UTC, datetime

from shared.dashboard.markup import Html, join, tag

NONE = "none"
_MINUS = "\N{MINUS SIGN}"
_SPACE = "\N{NARROW NO-BREAK SPACE}"


def count(number: float) -> str:
    """A number of things."""
    return f"{number:,.0f}"


def reward(value: float | None) -> str:
    """A reward, to three digits after the point, more if it is small."""
    if value is None:
        return NONE
    digits = 3 if abs(value) >= 0.01 or not value else 5
    return f"{value:.{digits}f}".replace("-", _MINUS)


def signed(value: float | None) -> str:
    """A difference of rewards."""
    return NONE if value is None else f"{'+' if value > 0 else ''}{reward(value)}"


def percent(share: float | None, digits: int = 0, *, sign: bool = False) -> str:
    """A share of 1."""
    if share is None:
        return NONE
    text = f"{share * 100:{'+' if sign else ''},.{digits}f}".replace("-", _MINUS)
    return f"{text}{_SPACE}%"


def fine_percent(share: float | None) -> str:
    """A share of 1 that may be small."""
    return percent(share, 0 if share is None or share >= 0.1 or not share else 1 if share >= 0.01 else 2)


def duration(seconds: float) -> str:
    """For instance 10 min, 2 h, 3 days."""
    for size, word in ((86_400, "day"), (3600, "h"), (60, "min")):
        if seconds >= size:
            number = f"{seconds / size:.3g}"
            return f"{number}{_SPACE}{word}{'s' if word == 'day' and number != '1' else ''}"
    return f"{seconds:.3g}{_SPACE}s"


def size(number: int) -> str:
    """Bytes."""
    value, units = float(number), ["B", "KB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.3g}{_SPACE}{units[0]}"


def moment(at: int | float | None, form: str = "%d %b %Y %H:%M") -> Html:
    """A time, ms since 1970. The page's script writes it in the reader's own zone if they ask for that."""
    if not at:
        return tag("span", "never", cls="muted")
    time = datetime.fromtimestamp(at / 1000, UTC)
    return tag("time", time.strftime(form), datetime=time.strftime("%Y-%m-%dT%H:%M:%SZ"))


def between(since: int, until: int) -> Html:
    """A period, ms since 1970; with the years where they are not one and the same."""
    years = {datetime.fromtimestamp(at / 1000, UTC).year for at in (since, until)}
    form = "%d %b %H:%M" if len(years) == 1 else "%d %b %Y %H:%M"
    return join(moment(since, form), " to ", moment(until, form))


def day(at: int) -> str:
    """A day in UTC, without its year."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%d %b")


def parsed(text: str | None) -> int | None:
    """A time of ISO 8601, as ms since 1970; None for what is none."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def bound(text: str) -> str:
    """A sentence whose numbers and units are not torn apart at the end of a line."""
    return text.replace(" %", f"{_SPACE}%")


def plural(number: float, one: str, many: str | None = None) -> str:
    """For instance 1 event, 2 events."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"
