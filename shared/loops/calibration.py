"""Whether the rewards that models expect come: sums over events that were judged before they were learned."""

from collections.abc import Iterable

import msgspec

from shared.loops.summary import DAY_MS, HOUR_MS
from shared.vw.calibrating import Expected

# The stretches of time by which they are summed, and how far back they are kept: a day and the week before it.
STRETCH_MS = 6 * HOUR_MS
KEPT_MS = 8 * DAY_MS + STRETCH_MS


class Sums(msgspec.Struct, frozen=True, array_like=True):
    """n: events. predicted, reward: of all of them. off, squares: of the differences, predicted less reward."""

    n: int = 0
    predicted: float = 0.0
    reward: float = 0.0
    off: float = 0.0
    squares: float = 0.0

    def plus(self, other: "Sums") -> "Sums":
        """With the events of the other."""
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Sums(*(one + more for one, more in pairs))


class Calibration(msgspec.Struct, frozen=True):
    """The part of a loop's checkpoint that compares them. stretches: by their start, ms since 1970."""

    stretches: dict[int, Sums] = {}

    def plus(self, judged: Iterable[Expected]) -> "Calibration":
        """With events of a run; stretches that nobody asks for any more go."""
        made = dict(self.stretches)
        for one in judged:
            at, off = one.at - one.at % STRETCH_MS, one.predicted - one.reward
            made[at] = made.get(at, Sums()).plus(Sums(1, one.predicted, one.reward, off, off * off))
        oldest = max(made, default=0) - KEPT_MS
        return Calibration({at: sums for at, sums in sorted(made.items()) if at >= oldest})

    def within(self, start: int, end: int) -> Sums:
        """Of the stretches that begin in start..end (ms), the end excluded."""
        made = Sums()
        for at, sums in self.stretches.items():
            made = made.plus(sums) if start <= at < end else made
        return made
