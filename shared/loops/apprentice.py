"""How an apprentice is doing: how often the model would have chosen the baseline, and what that would have earned.

Of a decision made in mode Apprentice, the caller got the baseline and its reward. Where the model would have drawn
the baseline too, it would have earned the same; elsewhere nothing is known, and it counts as having earned nothing.
A policy that explores cannot match every time, so a model is about ready at a ratio of 0.75 or 0.8.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

WINDOW = 1000


class Lesson(NamedTuple):
    """One decision of an apprentice, joined. `matched`: the model would have drawn the baseline as well."""

    matched: bool
    reward: float


class Tally(msgspec.Struct, frozen=True):
    """Sums over decisions. baseline: of all rewards. own: of those where the model's choice matched."""

    events: int = 0
    matched: int = 0
    baseline: float = 0.0
    own: float = 0.0

    def plus(self, lessons: Sequence[Lesson]) -> "Tally":
        matched = [lesson.reward for lesson in lessons if lesson.matched]
        return Tally(
            self.events + len(lessons),
            self.matched + len(matched),
            self.baseline + sum(lesson.reward for lesson in lessons),
            self.own + sum(matched),
        )


class Apprentice(msgspec.Struct, frozen=True):
    """The part of a loop's checkpoint that counts its apprenticeship: all of it, and its last WINDOW decisions."""

    total: Tally = Tally()
    last: list[Lesson] = []

    def plus(self, lessons: Sequence[Lesson]) -> "Apprentice":
        """With the lessons of one run, in the order of the log."""
        return Apprentice(self.total.plus(lessons), [*self.last, *lessons][-WINDOW:])


class Progress(msgspec.Struct, rename="camel"):
    """Averages over decisions; null where they would divide by 0. ratio: own reward over baseline reward."""

    events: int
    matched: int
    match_rate: float | None
    baseline_reward: float | None
    own_reward: float | None
    ratio: float | None


class Report(msgspec.Struct):
    """What an administrator is shown."""

    mode: str
    last: Progress
    total: Progress


def report(apprentice: Apprentice, mode: str) -> Report:
    """The report of a loop that is in `mode` now."""
    return Report(mode, _progress(Tally().plus(apprentice.last)), _progress(apprentice.total))


def _progress(tally: Tally) -> Progress:
    return Progress(
        events=tally.events,
        matched=tally.matched,
        match_rate=_ratio(tally.matched, tally.events),
        baseline_reward=_ratio(tally.baseline, tally.events),
        own_reward=_ratio(tally.own, tally.events),
        ratio=_ratio(tally.own, tally.baseline),
    )


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
