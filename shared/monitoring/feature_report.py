"""What is to be said of a loop's features: how often they come, how many values they have, and whether those drift."""

from functools import cached_property

import msgspec

from shared.loops import distinct
from shared.loops.feature_values import FeatureValues, bin_of
from shared.loops.hour_sums import OTHER
from shared.loops.summary import DAY_MS, Summary
from shared.monitoring.feature_drift import Days
from shared.monitoring.feature_period import FeaturePeriod
from shared.monitoring.population_stability import Drift
from shared.monitoring.states import Grade

DAYS_BEFORE, DAYS_READ = 7, 9
# Distinct values for each use of a feature.
MANY, ALL, LEAST_USES = 0.5, 0.9, 1_000
# Values that are told.
COMMON = 3
# Numbers are a quantity, unless most are whole, or so large that they are times or ids.
_WHOLE, _LARGE = 0.99, bin_of(1e8)


class Feature(msgspec.Struct, frozen=True):
    """One feature in the last 24 hours.

    share: of the decisions. uses: decisions of the sample that have it. values: how many distinct ones, estimated.
    common: the commonest texts, with their shares of the decisions that have it; empty if there are many texts.
    is_quantity: its values are numbers that measure something. drift: against the days before, None if it cannot be
    told. gone: it is in no decision any more.
    """

    name: str
    share: float
    uses: int
    values: float
    common: dict[str, float]
    is_quantity: bool
    drift: Drift | None
    gone: bool

    @property
    def ratio(self) -> float:
        """Distinct values for each use, at most 1."""
        return min(1.0, self.values / self.uses) if self.uses else 0.0

    @property
    def cardinality(self) -> Grade:
        """What its number of values means for learning."""
        if self.is_quantity or self.uses < LEAST_USES or self.ratio <= MANY:
            return "ok"
        return "critical" if self.ratio > ALL else "warning"

    @property
    def stability(self) -> Grade:
        """What its drift means."""
        if self.gone:
            return "critical"
        return self.drift.grade if self.drift is not None else "ok"


class FeatureReport:
    """At the end of an hour (ms since 1970). sampled: the features of the nine days before it, see `Summary`."""

    def __init__(self, sampled: Summary, hour: int) -> None:
        ends = [hour - day * DAY_MS for day in range(DAYS_BEFORE + 1)]
        recent, *before = (FeaturePeriod(sampled.within(end - DAY_MS, end).features.values()) for end in ends)
        are_whole = min(sampled.features, default=hour) <= ends[-1] - DAY_MS
        self.recent, self._days = recent, Days(recent, before, are_whole=are_whole)

    @property
    def lacking(self) -> str | None:
        """Why nothing can be said of drift, None if it can."""
        return self._days.lacking

    @cached_property
    def features(self) -> list[Feature]:
        """By their names: those of the last 24 hours, and those that are gone."""
        names = {*self.recent.names(), *self._days.before.names()}
        found = [self._feature(name) for name in sorted(names)]
        return [one for one in found if one.uses or one.gone]

    def _feature(self, name: str) -> Feature:
        values, can_compare = self.recent.features.get(name, FeatureValues()), self.lacking is None
        return Feature(
            name,
            self.recent.share(name),
            self.recent.uses[name],
            distinct.estimate(values.registers),
            _common(values),
            _is_quantity(values),
            self._days.drift(name) if can_compare else None,
            can_compare and self._days.is_gone(name),
        )


def _common(values: FeatureValues) -> dict[str, float]:
    named = [text for text in values.texts if text != OTHER]
    first = sorted(named, key=lambda text: (-values.texts[text], text))[:COMMON]
    return {text: values.texts[text] / values.n for text in first}


def _is_quantity(values: FeatureValues) -> bool:
    numbers = sum(values.numbers.values())
    texts = sum(values.texts.values()) + sum(values.buckets.values())
    large = sum(count for place, count in values.numbers.items() if abs(place) >= _LARGE)
    return numbers > texts and values.whole < _WHOLE * numbers and large < _WHOLE * numbers
