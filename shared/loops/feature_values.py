"""What values one feature had in some decisions: counts that merge exactly, and are bounded whatever the values are."""

import hashlib
import math
import sys
from collections.abc import Collection, Iterable, Mapping

import msgspec

from shared.loops import distinct
from shared.loops.distinct import Registers
from shared.loops.hour_sums import OTHER, Key

# Texts with counts of their own; of more, all are counted by bucket.
MOST_TEXTS, BUCKETS = 32, 64
# Of longer texts a digest is kept.
LONGEST_TEXT = 64
# Numbers are counted in bins: a quarter of an octave each, from 2^-16 to 2^48, and 0.
_QUARTERS, _LEAST, _MOST = 4, -16, 48

Value = str | float


class FeatureValues(msgspec.Struct, omit_defaults=True):
    """n: decisions that have the feature. texts: counts by text, the empty one being any other; of more than MOST_TEXTS
    none is left, and `buckets` counts them by a hash. numbers: counts by `bin_of`; whole: of whole ones. registers: of
    all distinct values.
    """

    n: int = 0
    texts: dict[str, int] = {}
    buckets: dict[int, int] = {}
    numbers: dict[int, int] = {}
    whole: int = 0
    registers: Registers = {}

    def add(self, values: Iterable[Value]) -> None:
        """Adds a decision with the values that the feature has in it."""
        self.n += 1
        for value in values:
            if not isinstance(value, str):
                key = bin_of(value)
                self.numbers[key] = self.numbers.get(key, 0) + 1
                self.whole += value.is_integer()
                distinct.add(self.registers, _hash(repr(value)))
                continue
            text = short(value)
            if text in self.texts:
                self.texts[text] += 1
                continue
            hashed = _hash(text)
            distinct.add(self.registers, hashed)
            if self.buckets:
                self.buckets[hashed % BUCKETS] = self.buckets.get(hashed % BUCKETS, 0) + 1
            else:
                self.texts[text] = 1
                self._bound()

    def merge(self, other: "FeatureValues", times: int = 1) -> None:
        """Adds the decisions of the other, each of which stands for so many."""
        self.n += times * other.n
        self.whole += times * other.whole
        _add(self.numbers, other.numbers, times)
        distinct.merge(self.registers, other.registers)
        _add(self.texts, other.texts, times)
        if self.buckets or other.buckets:
            _add(self.buckets, other.buckets, times)
            self._fold()
        self._bound()

    def by_bucket(self) -> dict[int, int]:
        """The counts of texts by bucket, whether they are known by text or not."""
        made = dict(self.buckets)
        for text, count in self.texts.items():
            bucket = _hash(text) % BUCKETS
            made[bucket] = made.get(bucket, 0) + count
        return made

    def forget(self, values: Collection[str]) -> bool:
        """Counts these texts, as `short` has them, as others; True if there was one."""
        found = [text for text in self.texts if text in values and text != OTHER]
        for text in found:
            _add(self.texts, {OTHER: self.texts.pop(text)}, 1)
        return bool(found)

    def ordered(self) -> "FeatureValues":
        """The same, in order of its keys."""
        return FeatureValues(
            self.n, dict(sorted(self.texts.items())), dict(sorted(self.buckets.items())),
            dict(sorted(self.numbers.items())), self.whole, dict(sorted(self.registers.items())),
        )  # fmt: skip

    def _bound(self) -> None:
        if len(self.texts) > MOST_TEXTS:
            self._fold()

    def _fold(self) -> None:
        self.texts, self.buckets = {}, self.by_bucket()


def short(text: str) -> str:
    """What stands for a text: itself, or the digest of a long one."""
    return text if len(text) <= LONGEST_TEXT else f"#{_hash(text):016x}"


def bin_of(number: float) -> int:
    """The bin of a number: 0 for what is nearer to it than 2^-16, 1 and more above, -1 and less below."""
    mantissa, exponent = math.frexp(min(abs(number), sys.float_info.max))
    if not number or exponent <= _LEAST:
        return 0
    quarter = int((mantissa - 0.5) * 2 * _QUARTERS) if exponent <= _MOST else _QUARTERS - 1
    place = (min(exponent, _MOST) - _LEAST - 1) * _QUARTERS + quarter + 1
    return place if number > 0 else -place


def _add(counts: dict[Key, int], more: Mapping[Key, int], times: int) -> None:
    for key, count in more.items():
        counts[key] = counts.get(key, 0) + times * count


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
