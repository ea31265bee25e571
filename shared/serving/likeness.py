"""How much a path is like that of an operation: each is a list of segments, those of the template may be `{name}`."""

import difflib
import math
from collections.abc import Iterator, Sequence

# What differences count, and how many may be between like paths: one segment is missing or doubled, or some letters
# are others, at most ALIKE of those of a segment.
MOST, MISSING, MISSING_VALUE, DOUBLED, ALIKE = 0.5, 0.5, 0.4, 0.2, 0.3
Path = Sequence[str]


def nearest(template: Path, given: Path) -> tuple[float, list[str]] | None:
    """How far the path is from the template, at most MOST, and the template with the path's values; None if farther.

    A value that the path lacks stays `{name}`.
    """
    near = min(_ways(template, given), default=None)
    return near if near is not None and near[0] <= MOST else None


def is_parameter(segment: str) -> bool:
    return segment.startswith("{")


def _ways(template: Path, given: Path) -> Iterator[tuple[float, list[str]]]:
    """The template as it is, with a segment that the path lacks, or without one that the path has twice."""
    match len(template) - len(given):
        case 0:
            yield _distance(template, given), _filled(template, given)
        case 1:
            for place, lacking in enumerate(template):
                if all(map(is_parameter, [*template[:place], *template[place + 1 :]])):
                    continue  # there is nothing that could be like it
                completed = [*given[:place], lacking, *given[place:]]
                missing = MISSING_VALUE if is_parameter(lacking) else MISSING
                yield missing + _distance(template, completed), _filled(template, completed)
        case -1:
            for place in range(1, len(given)):
                if given[place].lower() == given[place - 1].lower():
                    once = [*given[:place], *given[place + 1 :]]
                    yield DOUBLED + _distance(template, once), _filled(template, once)


def _distance(template: Path, given: Path) -> float:
    literals = {wanted.lower() for wanted in template if not is_parameter(wanted)}
    return math.fsum(_difference(wanted, sent.lower(), literals) for wanted, sent in zip(template, given, strict=True))


def _difference(wanted: str, sent: str, literals: set[str]) -> float:
    if is_parameter(wanted):
        return math.inf if sent in literals else 0  # for instance `events/reward`, which lacks the event
    likeness = difflib.SequenceMatcher(None, wanted.lower(), sent).ratio()
    return 1 - likeness if likeness >= 1 - ALIKE else math.inf


def _filled(template: Path, given: Path) -> list[str]:
    return [sent if is_parameter(wanted) else wanted for wanted, sent in zip(template, given, strict=True)]
