"""Decisions on their way into a summary: kept as rows, of which many are summed at once."""

import math
from collections.abc import Sequence

from shared.hubs.events import Assignment
from shared.loops.decision_rows import LEAST, CertainRow, Row, row, sum_arm, sum_certain, sum_rows
from shared.loops.hour_sums import Shown
from shared.loops.summary import FIVE_MINUTES_MS, HOUR_MS, Summary

# Beyond it, squares would leave the range of floats.
LARGEST_REWARD = 1e50
# Rows of one stretch and slot that wait to be summed.
MOST_ROWS = 4096


class Gatherer:
    """Makes one summary. Times are ms since 1970."""

    def __init__(self) -> None:
        self._summary = Summary()
        self._rows: dict[tuple[int, int], list[Row]] = {}
        self._certain: dict[tuple[int, int], list[CertainRow]] = {}
        self._hour, self._fates = -1, dict[str, int]()

    def count(self, at: int, fate: str, number: int = 1) -> None:
        """Counts events: see `Hour.fates`."""
        fates = self.fates(at)
        fates[fate] = fates.get(fate, 0) + number

    def fates(self, at: int) -> dict[str, int]:
        """The counts of the hour of an instant, to be added to."""
        hour = at // HOUR_MS
        if hour != self._hour:
            self._hour, self._fates = hour, self._summary.hour(at).fates
        return self._fates

    def show(
        self, at: int, slot: int, reward: float, p: Sequence[float], numbers: Sequence[int], key: str, *,
        baseline: int = 1, is_default: bool = False, is_of_model: bool = True, count: float = 1.0,
        assignment: Assignment | None = None, share: float = 0.0,
    ) -> None:  # fmt: skip
        """Adds a decision, of several slots one of them, and what it earned.

        p: the logged probabilities of all actions, the chosen one first; numbers: of the actions, in the same order;
        key: of the chosen one. baseline: the number of the baseline. is_default: the reward is the default one.
        is_of_model: a model has made the probabilities. count: of how many decisions it stands for, see `PolicySums`.
        assignment: its arm of a holdback; share: of the arm `baseline`, given what the slots before show.
        A decision that makes no weight is counted as such, and not clipped.
        """
        if not (p and LEAST < p[0] < math.inf and -LARGEST_REWARD <= reward <= LARGEST_REWARD):
            self.count(at, "unweighted")
            if not (p and 0 < p[0] < math.inf):
                self.count(at, "impossible")
            return
        stretch = at - at % FIVE_MINUTES_MS, slot
        rows = self._rows.get(stretch)
        if rows is None:
            rows = self._rows[stretch] = []
        rows.append(row(count, reward, p, numbers, baseline, is_of_model, is_default, key))
        if assignment is not None:
            shown = self._summary.hour(at).slots.setdefault(slot, Shown())
            sum_arm(shown, assignment, share, reward, p, numbers, baseline)
        if len(rows) >= MOST_ROWS:
            sum_rows(self._summary, *stretch, self._rows.pop(stretch))

    def show_baseline(self, at: int, slot: int, reward: float, actions: int, key: str, count: float = 1.0) -> None:
        """Adds a decision that showed the baseline, with this key, whatever its probabilities say."""
        if -LARGEST_REWARD <= reward <= LARGEST_REWARD:
            stretch = at - at % FIVE_MINUTES_MS, slot
            self._certain.setdefault(stretch, []).append((count, reward, actions, key))
        else:
            self.count(at, "unweighted")

    def finished(self) -> Summary:
        """The summary of all that was added."""
        for stretch, rows in self._rows.items():
            sum_rows(self._summary, *stretch, rows)
        for stretch, certain in self._certain.items():
            sum_certain(self._summary, *stretch, certain)
        self._rows, self._certain = {}, {}
        return self._summary
