"""What visits earned, beside random choice and the best possible, and when that proves learning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# The share of a run, at its end, that is judged.
LAST_PART = 0.25
MIN_GAIN = 0.25
MIN_STANDARD_ERRORS = 4.0


@dataclass(frozen=True, slots=True)
class Encounter:
    """A visit that was ranked and rewarded `at` seconds into the run; `uniform` and `optimal` as in Visit."""

    at: float
    reward: float
    uniform: float
    optimal: float


@dataclass(frozen=True, slots=True)
class Score:
    """Means over a number of encounters; `error` is the standard error of `reward - uniform`."""

    events: int
    reward: float
    uniform: float
    optimal: float
    error: float

    @property
    def gain(self) -> float:
        """Share of what can be gained over random: 0 is as good as random, 1 is perfect."""
        return (self.reward - self.uniform) / (self.optimal - self.uniform)

    @property
    def standard_errors(self) -> float:
        """How far above random, in standard errors: below 4 in all but 3 of 100,000 runs that do not learn.

        Each reward minus its visit's random expectation is a martingale difference under random choice, so the
        central limit theorem holds although the visits of a run share their models.
        """
        return (self.reward - self.uniform) / self.error


def score(encounters: Sequence[Encounter]) -> Score | None:
    """None if there are too few to tell anything."""
    count = len(encounters)
    if count < 2:
        return None
    advantages = [one.reward - one.uniform for one in encounters]
    mean = math.fsum(advantages) / count
    variance = math.fsum((advantage - mean) ** 2 for advantage in advantages) / (count - 1)
    uniform = math.fsum(one.uniform for one in encounters) / count
    optimal = math.fsum(one.optimal for one in encounters) / count
    return Score(count, uniform + mean, uniform, optimal, max(math.sqrt(variance / count), 1e-9))


def parts(encounters: Sequence[Encounter], seconds: float, count: int) -> list[Score | None]:
    """The scores of `count` equally long parts of a run of `seconds`."""
    slices: list[list[Encounter]] = [[] for _ in range(count)]
    for one in encounters:
        slices[min(int(one.at / seconds * count), count - 1)].append(one)
    return [score(part) for part in slices]


def last_part(encounters: Sequence[Encounter], seconds: float) -> Score | None:
    """The score of what is judged."""
    return score([one for one in encounters if one.at >= (1 - LAST_PART) * seconds])


def doubts(last: Score | None) -> list[str]:
    """Why the score of the last part does not prove learning; empty if it does."""
    if last is None:
        return ["there were no visits in the last part of the run"]
    found = []
    if not last.standard_errors > MIN_STANDARD_ERRORS:
        found.append(
            f"the reward is {last.standard_errors:.1f} standard errors above random, not {MIN_STANDARD_ERRORS:g}"
        )
    if not last.gain >= MIN_GAIN:
        found.append(f"{last.gain:.0%} of the possible gain was reached, not {MIN_GAIN:.0%}")
    return found
