"""Whether a feature has other values than before, by bins that its values before make.

What follows the calendar is as always. A feature that says the day of the week has the values of the same day a week
before, so the last day is compared with that day as well as with all seven before. One that says the date has others
each day, so what the same comparison finds of the days before, in the median, is no drift.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from statistics import median

from shared.loops.feature_values import FeatureValues
from shared.monitoring import population_stability
from shared.monitoring.feature_period import FeaturePeriod
from shared.monitoring.population_stability import LEAST, WARNING, Drift

MOST_TEXTS, NUMBERS = 20, 10
# Days that are compared have at least so many decisions, and the one a week before so large a share of the last one's.
LEAST_OF_DAY, ALIKE = 100, 0.5
# The days before that are compared with those before them; what is as always differs at most by so much more than they.
COMPARED, MORE = 5, 1.5
# Where a feature that is in no decision any more was before.
GONE = 0.01

# What a value counts as: a text, a bucket of texts, or a bin of numbers.
Label = tuple[str, str | int]
Counts = Counter[Label]
_MISSING: Label = ("missing", 0)


class Days:
    """The last day, and the seven before, the latest first, each as a period; `before` is their sum.

    are_whole: features were known when the first of them began.
    """

    def __init__(self, recent: FeaturePeriod, days: Sequence[FeaturePeriod], *, are_whole: bool) -> None:
        self.recent, self.before, self._week_before = recent, FeaturePeriod(), days[-1]
        self._are_whole = are_whole
        self.days = [day for day in days if day.worth >= LEAST_OF_DAY]
        for day in self.days:
            self.before.merge(day)

    @property
    def lacking(self) -> str | None:
        """Why they cannot be compared, None if they can."""
        if self.recent.worth < LEAST:
            told = f"The features of {self.recent.worth:,.0f} decisions of the last 24 closed hours are known"
            return f"{told}; {LEAST:,} are needed."
        if not self._are_whole or self._week_before.worth < max(LEAST_OF_DAY, ALIKE * self.recent.worth):
            told = "To compare with, the features of the same day a week before are needed; those of"
            return f"{told} {self._week_before.worth:,.0f} decisions are known."
        if self.before.worth < LEAST:
            told = f"The features of {self.before.worth:,.0f} decisions of the days before are known"
            return f"{told}; {LEAST:,} are needed."
        return None

    def is_gone(self, name: str) -> bool:
        """True for a feature that all days had up to one, and no decision has had since then."""
        had = [day.share(name) > 0 for day in self.days]
        is_none = not self.recent.share(name) and self.before.share(name) >= GONE
        return is_none and had == sorted(had) and had[-1]

    def drift(self, name: str) -> Drift:
        """Of a feature, the lesser of both comparisons; only if nothing is `lacking`."""
        periods = [self.recent, self.before, *self.days]
        is_by_bucket = any(one.features[name].buckets for one in periods if name in one.features)
        recent, before, *days = (_counts(one, name, is_by_bucket=is_by_bucket) for one in periods)
        worths = [day.worth for day in self.days]
        found = [
            _compared(recent, before, self.recent.worth, self.before.worth),
            _compared(recent, days[-1], self.recent.worth, self._week_before.worth),
        ]
        usual = MORE * median(_differences(days, worths) or [0.0])
        return min((one._replace(usual=usual) for one in found), key=lambda one: one.psi / one.bound(WARNING))


def _differences(days: Sequence[Counts], worths: Sequence[float]) -> list[float]:
    """What the last of these days differ from those before each, beyond chance. days: the latest first."""
    found = list[float]()
    for at in range(min(COMPARED, len(days) - 2)):
        before: Counts = sum(days[at + 1 :], Counter())
        drift = _compared(days[at], before, worths[at], sum(worths[at + 1 :]))
        found.append(max(0.0, drift.psi - drift.by_chance))
    return found


def _compared(recent: Counts, before: Counts, n: float, m: float) -> Drift:
    bin_of = _bins(before)
    return population_stability.drift(_binned(recent, bin_of), _binned(before, bin_of), n, m)


def _counts(period: FeaturePeriod, name: str, *, is_by_bucket: bool) -> Counts:
    values = period.features.get(name, FeatureValues())
    made: Counts = Counter({_MISSING: max(0, period.decisions - values.n)})
    made.update({("number", at): count for at, count in values.numbers.items()})
    if is_by_bucket:
        made.update({("bucket", at): count for at, count in values.by_bucket().items()})
    else:
        made.update({("text", text): count for text, count in values.texts.items()})
    return made


def _bins(before: Counts) -> Callable[[Label], str]:
    """What counts as one: each of the commonest texts, the numbers between quantiles, and all other texts."""
    texts = [label for label in before if label[0] in ("text", "bucket")]
    kept = set(sorted(texts, key=lambda label: (-before[label], label))[:MOST_TEXTS])
    places = sorted((int(label[1]), count) for label, count in before.items() if label[0] == "number")
    whole, edges = sum(count for _, count in places), list[int]()
    sums = accumulate(count for _, count in places)
    for (place, _), reached in zip(places, sums, strict=True):
        if reached * NUMBERS >= whole * (len(edges) + 1):
            edges.append(place + 1)

    def bin_of(label: Label) -> str:
        kind, value = label
        if kind == "number":
            return f"number {bisect_right(edges, int(value))}"
        if kind == "missing":
            return kind
        return f"{kind} {value}" if label in kept else "other"

    return bin_of


def _binned(counts: Counts, bin_of: Callable[[Label], str]) -> Counter[str]:
    made: Counter[str] = Counter()
    for label, count in counts.items():
        made[bin_of(label)] += count
    return made
