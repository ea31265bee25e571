"""The features of a sample of an hour's decisions: the same sample, bit for bit, however the hour is cut and merged.

Each decision is of a level, by bits of its event id's hash: three of four are of level 0, three of four of the others
of level 1, and so on. A sample has all decisions from one level on, the lowest at which they are at most
MOST_DECISIONS. Since each part of an hour has at least those levels, the samples of parts merge to that of the whole.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

import msgspec

from shared.loops.feature_values import FeatureValues, Value

MOST_DECISIONS = 500
# Features with values of their own, those with the least hashes of their names; of the others the uses are counted.
MOST_FEATURES = 200
_LAST_LEVEL = 15


class Stratum(msgspec.Struct, omit_defaults=True):
    """The decisions of one level. n: how many. features: by name. others: uses of features that are not kept."""

    n: int = 0
    features: dict[str, FeatureValues] = {}
    others: int = 0

    def add(self, features: Mapping[str, Iterable[Value]]) -> None:
        """Adds the features of a decision, which `n` counts already, with their values."""
        for name, values in features.items():
            known = self.features.get(name)
            if known is None:
                known = self.features[name] = FeatureValues()
            known.add(values)
        if len(self.features) > 2 * MOST_FEATURES:
            self.trim()

    def merge(self, other: "Stratum") -> None:
        """Adds the decisions of the other."""
        self.n += other.n
        self.others += other.others
        for name, values in other.features.items():
            self.features.setdefault(name, FeatureValues()).merge(values)
        self.trim()

    def trim(self) -> None:
        """Keeps no more than MOST_FEATURES: who was once let go cannot be among them later."""
        if len(self.features) <= MOST_FEATURES:
            return
        kept = set(few(self.features))
        self.others += sum(values.n for name, values in self.features.items() if name not in kept)
        self.features = {name: values for name, values in self.features.items() if name in kept}

    def ordered(self) -> "Stratum":
        """The same, in order of its keys."""
        return Stratum(self.n, {name: one.ordered() for name, one in sorted(self.features.items())}, self.others)


class Sample(msgspec.Struct, omit_defaults=True):
    """level: the lowest one whose decisions it has; each of them stands for 4^level. strata: by level."""

    level: int = 0
    strata: dict[int, Stratum] = {}

    @property
    def n(self) -> int:
        """How many decisions it has."""
        return sum(stratum.n for stratum in self.strata.values())

    def admit(self, level: int) -> Stratum | None:
        """Counts a decision; where its features are to be added, None if they are not."""
        if level < self.level:
            return None
        stratum = self.strata.setdefault(level, Stratum())
        stratum.n += 1
        self._bound()
        return stratum if level >= self.level else None

    def merge(self, other: "Sample") -> None:
        """Adds the decisions of the other."""
        self.level = max(self.level, other.level)
        for level, stratum in other.strata.items():
            self.strata.setdefault(level, Stratum()).merge(stratum)
        self._bound()

    def forget(self, values: Collection[str]) -> bool:
        """Counts these texts as others; True if there was one."""
        found = [one.forget(values) for stratum in self.strata.values() for one in stratum.features.values()]
        return any(found)

    def ordered(self) -> "Sample":
        """The same, in order of its keys."""
        return Sample(self.level, {level: stratum.ordered() for level, stratum in sorted(self.strata.items())})

    def _bound(self) -> None:
        for level in [one for one in self.strata if one < self.level]:
            del self.strata[level]
        while self.level < _LAST_LEVEL and self.n > MOST_DECISIONS:
            self.strata.pop(self.level, None)
            self.level += 1


def level_of(key: int) -> int:
    """Of a decision, by 64 bits of its event id's hash."""
    if key & 3:  # most
        return 0
    return min(_LAST_LEVEL, ((key & -key).bit_length() - 1) // 2) if key else _LAST_LEVEL


def few(names: Iterable[str]) -> list[str]:
    """At most MOST_FEATURES of these names, those with the least hashes."""
    return sorted(names, key=_order)[:MOST_FEATURES]


@lru_cache(4096)
def _order(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
