"""What a loop's decisions earned, what other policies would have earned, and what they saw: sums that merge exactly.

Two summaries of other events merge to that of all of them, bit for bit, however often and in whatever order.
"""

import gzip
import zlib
from typing import Any, Literal

import msgspec

from shared.loops import exact_sum, unreadable
from shared.loops.feature_sample import Sample
from shared.loops.hour_sums import Hour
from shared.loops.policy_sums import BASELINE, CERTAIN, ONLINE, PolicySums

FIVE_MINUTES_MS = 300_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
# What a format has that those before would drop: `PolicySums.paid` and the fate `impossible` (2), `Shown.arms` (3),
# `features` (4).
FORMAT = 4


class Summary(msgspec.Struct, kw_only=True):
    """Sums by the start of a stretch of time (ms since 1970), the slot (from 0) and the policy; counts by hour, and
    the features of a sample of the hour's decisions.

    span: the length of the stretches, ms. Nothing is copied: whoever merges owns what is merged into.
    """

    v: int = FORMAT
    span: int = FIVE_MINUTES_MS
    stretches: dict[int, dict[int, dict[str, PolicySums]]] = {}
    hours: dict[int, Hour] = {}
    features: dict[int, Sample] = {}

    def merge(self, other: "Summary") -> None:
        """Adds the events of the other; ValueError if its stretches are longer."""
        if self.span % other.span:
            raise ValueError(f"stretches of {other.span} ms do not make up stretches of {self.span} ms")
        for at, slots in other.stretches.items():
            for slot, policies in slots.items():
                for policy, sums in policies.items():
                    self.sums(at, slot, policy).merge(sums)
        for at, hour in other.hours.items():
            self.hour(at).merge(hour)
        for at, sample in other.features.items():
            self.features.setdefault(at, Sample()).merge(sample)

    def absorb(self, other: "Summary") -> None:
        """The same as `merge`, for half its cost: the parts of the other become those of this one."""
        if self.span != other.span:
            self.merge(other)
            return
        for at, slots in other.stretches.items():
            if self.stretches.setdefault(at, slots) is not slots:
                self.merge(Summary(span=self.span, stretches={at: slots}))
        for at, hour in other.hours.items():
            if self.hours.setdefault(at, hour) is not hour:
                self.hours[at].merge(hour)
        for at, sample in other.features.items():
            if self.features.setdefault(at, sample) is not sample:
                self.features[at].merge(sample)

    def share(self, other: "Summary") -> None:
        """The same as `absorb` for one without features that stays as it is: its parts are used, and what both have is
        made anew."""
        if self.span != other.span:
            raise ValueError(f"stretches of {other.span} ms are not shared by those of {self.span} ms")
        both = Summary(span=self.span)
        for one in (self, other):
            both.merge(one._common(self, other))
        self.stretches |= other.stretches | both.stretches
        self.hours |= other.hours | both.hours

    def _common(self, *of: "Summary") -> "Summary":
        """Its parts at times at which all of these have some."""
        return Summary(
            span=self.span,
            stretches={at: slots for at, slots in self.stretches.items() if all(at in one.stretches for one in of)},
            hours={at: hour for at, hour in self.hours.items() if all(at in one.hours for one in of)},
        )

    def rolled_up(self, span: int) -> "Summary":
        """The same events by longer stretches, which start at multiples of their length."""
        made = Summary(span=span)
        made.merge(self)
        return made

    def total(self, policy: str, slot: int = 0) -> PolicySums:
        """Of all stretches. The baseline's include the decisions that showed it for sure."""
        names = (policy, CERTAIN) if policy == BASELINE else (policy,)
        stretches = [slots[slot] for slots in self.stretches.values() if slot in slots]
        return PolicySums.of(stretch[name] for stretch in stretches for name in names if name in stretch)

    def served(self, slot: int = 0) -> PolicySums:
        """What was shown, of all stretches, whether by probabilities or for sure."""
        made = self.total(ONLINE, slot)
        made.merge(self.total(CERTAIN, slot))
        return made

    def fate(self, name: str) -> int:
        """How many events had a fate, in all hours."""
        return sum(hour.fates.get(name, 0) for hour in self.hours.values())

    def sums(self, at: int, slot: int, policy: str) -> PolicySums:
        """Those of the stretch of an instant, to be added to."""
        stretch = self.stretches.setdefault(at - at % self.span, {})
        return stretch.setdefault(slot, {}).setdefault(policy, PolicySums())

    def hour(self, at: int) -> Hour:
        """The hour of an instant, to be added to."""
        return self.hours.setdefault(at - at % HOUR_MS, Hour())

    def within(self, start: int, end: int) -> "Summary":
        """The stretches and the hours that begin in `start`..`end` (ms), the end excluded. Nothing is copied."""
        return Summary(
            span=self.span,
            stretches={at: slots for at, slots in self.stretches.items() if start <= at < end},
            hours={at: hour for at, hour in self.hours.items() if start <= at < end},
            features={at: sample for at, sample in self.features.items() if start <= at < end},
        )

    def sums_only(self) -> "Summary":
        """Without features. Nothing is copied."""
        return Summary(span=self.span, stretches=self.stretches, hours=self.hours)

    def features_only(self) -> "Summary":
        """Without sums. Nothing is copied."""
        return Summary(span=self.span, features=self.features)


class _Sums(msgspec.Struct):
    """What is decoded where no features are wanted: the rest is passed over."""

    span: int = FIVE_MINUTES_MS
    stretches: dict[int, dict[int, dict[str, PolicySums]]] = {}
    hours: dict[int, Hour] = {}


class _Features(msgspec.Struct):
    """The same where nothing else is."""

    span: int = FIVE_MINUTES_MS
    features: dict[int, Sample] = {}


# What of a summary is wanted.
Parts = Literal["all", "sums", "features"]
_encoder = msgspec.json.Encoder(enc_hook=exact_sum.to_json)
_decoder = msgspec.json.Decoder(Summary, dec_hook=exact_sum.from_json)
_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    "sums": msgspec.json.Decoder(_Sums, dec_hook=exact_sum.from_json),
    "features": msgspec.json.Decoder(_Features),
}


def encode(summary: Summary) -> bytes:
    """Gzipped JSON: the same bytes for the same events, whatever their order."""
    stretches = {
        at: {slot: dict(sorted(policies.items())) for slot, policies in sorted(slots.items())}
        for at, slots in sorted(summary.stretches.items())
    }
    hours = {at: hour.ordered() for at, hour in sorted(summary.hours.items())}
    features = {at: sample.ordered() for at, sample in sorted(summary.features.items())}
    plain = _encoder.encode(Summary(span=summary.span, stretches=stretches, hours=hours, features=features))
    return gzip.compress(plain, compresslevel=6, mtime=0)


def decode(name: str, data: bytes, parts: Parts = "all") -> Summary:
    """What was encoded; LaterVersion if a later version has, ValueError if it is damaged.

    name: the blob's, for the message. parts: what is left out takes no time. One changed bit is damage: the checksum of
    gzip is that of the JSON.
    """
    try:
        plain = gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(str(error)) from None
    unreadable.check(name, plain, FORMAT)
    if parts == "all":
        return _decoder.decode(plain)
    return Summary(**msgspec.structs.asdict(_decoders[parts].decode(plain)))
