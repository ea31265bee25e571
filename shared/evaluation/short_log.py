"""A log of less than an hour is cut more finely than by five minutes: else no part of it is left to judge by."""

from __future__ import annotations

from array import array

from shared.evaluation.plan import FIVE_MINUTES_MS

# With fewer spans than these, turns and halves are too unequal.
FEWEST_SPANS = 12
# Each divides the one before it, so that stretches of coarser spans are made of whole finer ones.
FINER_MS = 60_000, 10_000, 1_000


class Times:
    """When each line was ranked (ms since 1970), by its five minutes and in the order of the lines.

    Nothing is kept of a log that is long enough.
    """

    def __init__(self) -> None:
        self._known: dict[int, array[int]] | None = {}

    def add(self, start: int, at: int) -> None:
        if self._known is not None:
            self._known.setdefault(start, array("q")).append(at)
            if len(self._known) >= FEWEST_SPANS:
                self._known = None

    def by_start(self) -> dict[int, array[int]]:
        """Empty for a log that is long enough."""
        return self._known or {}

    def span(self) -> int:
        """The length (ms) of spans of which the log has enough; of the finest ones if no length gives enough."""
        if not self._known:
            return FIVE_MINUTES_MS
        times = self._known.values()
        fitting = (span for span in FINER_MS if len({at // span for each in times for at in each}) >= FEWEST_SPANS)
        return next(fitting, FINER_MS[-1])
