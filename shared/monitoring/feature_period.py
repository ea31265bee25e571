"""The features of the decisions of a period, summed from the samples of its hours."""

from collections import Counter
from collections.abc import Iterable

from shared.loops.feature_sample import Sample, few
from shared.loops.feature_values import FeatureValues


class FeaturePeriod:
    """decisions: those that the samples stand for. sampled: those that are in them. features: by name, whose counts are
    of the decisions that are stood for; uses: of those that are in the samples. others: uses of features not kept.
    """

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self.decisions, self.sampled, self._squares = 0, 0, 0
        self.features: dict[str, FeatureValues] = {}
        self.uses: Counter[str] = Counter()
        self.others = 0
        for sample in samples:
            self._add(sample)

    @property
    def worth(self) -> float:
        """So many decisions of equal weight tell as much."""
        return self.decisions**2 / self._squares if self._squares else 0.0

    def share(self, name: str) -> float:
        """Of the decisions, those that have the feature."""
        found = self.features.get(name)
        return found.n / self.decisions if found is not None else 0.0

    def merge(self, other: "FeaturePeriod") -> None:
        """Adds the decisions of the other."""
        self.decisions += other.decisions
        self.sampled += other.sampled
        self._squares += other._squares
        self.others += other.others
        self.uses.update(other.uses)
        for name, values in other.features.items():
            self.features.setdefault(name, FeatureValues()).merge(values)

    def names(self) -> list[str]:
        """Of the features that it tells about."""
        return sorted(few(self.features))

    def _add(self, sample: Sample) -> None:
        times = 4**sample.level
        self.decisions += times * sample.n
        self.sampled += sample.n
        self._squares += times * times * sample.n
        for stratum in sample.strata.values():
            self.others += stratum.others
            for name, values in stratum.features.items():
                self.uses[name] += values.n
                self.features.setdefault(name, FeatureValues()).merge(values, times)
