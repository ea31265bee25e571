"""What one unit of work has found out: small, immutable and the same bits however often it is worked out."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from shared.evaluation.buckets import Series
from shared.evaluation.columns import Columns, Paired
from shared.evaluation.event import Event
from shared.evaluation.intervals.default import ENOUGH
from shared.evaluation.multi_slot.slot_sums import SlotSeries, SlotSums
from shared.evaluation.reward_model import Robust
from shared.evaluation.single_action import Tally
from shared.loops import exact_sum, unreadable
from shared.loops.exact_sum import ExactSum
from shared.loops.policy_sums import PolicySums

# A part of decisions about several slots is of format 2.
FORMAT, SEVERAL_SLOTS = 2, 2
ONLINE, BASELINE, RANDOM, SINGLE = "Online", "Baseline1", "BaselineRand", "Best single action"


class Unit(msgspec.Struct, frozen=True, order=True):
    """A policy and a stretch of the log.

    policy: its name; "" for those that need no model, all of which are judged in one go. stretch: its number.
    """

    policy: str
    stretch: int


class Judged(msgspec.Struct):
    """A policy on the events of a stretch. paired: against the others by their names.

    rows: weight and reward of every event, in order, 16 bytes each, if they are asked for or if almost all rewards are
    the same, for then the interval cannot do with sums. None otherwise. shows: by the names of other policies, sums of
    p_other^2 / p over events and actions, p being what this policy would have served. robust: with a model of rewards.
    slots: of several slots, what was earned in each; `sums` are then of whole events, as `slot_columns` has them.
    """

    sums: PolicySums
    paired: dict[str, Paired] = {}
    rows: bytes | None = None
    shows: dict[str, ExactSum] = {}
    robust: Robust | None = None
    slots: SlotSums | None = None

    @classmethod
    def of(cls, columns: Columns, others: Mapping[str, Sequence[float]], *, keep: bool = False) -> "Judged":
        """others: the weights of policies that it is compared with, on the same events. keep: rows are asked for."""
        paired = {name: Paired.of(columns, weights) for name, weights in others.items()}
        return cls(columns.sums(), paired, rows_of(columns, keep=keep))

    def merge(self, later: "Judged") -> None:
        """Adds the events of a later stretch."""
        self.sums.merge(later.sums)
        for name, paired in later.paired.items():
            self.paired.setdefault(name, Paired()).merge(paired)
        if later.robust is not None:
            self.robust = self.robust.merged(later.robust) if self.robust is not None else later.robust
        if later.slots is not None:
            self.slots = self.slots or SlotSums()
            self.slots.merge(later.slots)
        for name, squares in later.shows.items():
            self.shows[name] = self.shows.get(name, ExactSum()) + squares
        self.rows = None if self.rows is None or later.rows is None else self.rows + later.rows

    def rare_events(self) -> Iterator[Event] | None:
        """All of them, if almost all rewards are the same; None if not, or if they were not kept."""
        if self.rows is None:
            return None
        found = array("d", self.rows)
        if _others(found[1::2]) >= ENOUGH:
            return None
        return (Event(weight, reward) for weight, reward in zip(found[::2], found[1::2], strict=True))


def _others(rewards: Sequence[float]) -> int:
    """How many differ from the commonest one."""
    counts = Counter(rewards)
    return counts.total() - max(counts.values(), default=0)


def rows_of(columns: Columns, *, keep: bool = False) -> bytes | None:
    """Weight and reward of every event; None if rewards are not rare, and for sub-sampled events, of which no interval
    needs them."""
    if (not keep and _others(columns.rewards) >= ENOUGH) or not columns.is_whole:
        return None
    rows = array("d", bytes(16 * len(columns.weights)))
    rows[::2], rows[1::2] = columns.weights, columns.rewards
    return rows.tobytes()


class Drawn(msgspec.Struct):
    """Whether actions were drawn as often as the log says: how often the likeliest one was, and by its probabilities.

    own, measured: the sums of rewards as the logged probabilities weigh them, and as they were.
    """

    likeliest: int = 0
    expected: ExactSum = msgspec.field(default_factory=ExactSum)
    variance: ExactSum = msgspec.field(default_factory=ExactSum)
    own: ExactSum = msgspec.field(default_factory=ExactSum)
    measured: ExactSum = msgspec.field(default_factory=ExactSum)

    def merge(self, other: "Drawn") -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Part(msgspec.Struct):
    """judged: by the names of policies. uses: how many lines there were of each `Use`, by its name. series: the course
    over time, if the plan asks for it; slot_series: the same by slot."""

    unit: Unit
    judged: dict[str, Judged]
    uses: dict[str, int] = {}
    drawn: Drawn | None = None
    tally: Tally | None = None
    series: Series = {}
    slot_series: SlotSeries = {}
    v: int = 1


_encoder = msgspec.json.Encoder(enc_hook=exact_sum.to_json, order="sorted")
_decoder = msgspec.json.Decoder(Part, dec_hook=exact_sum.from_json)


def encode(part: Part) -> bytes:
    """The same bytes for the same events."""
    return _encoder.encode(part)


def decode(name: str, data: bytes) -> Part:
    """What was encoded; LaterVersion if a later version has, DecodeError or ValidationError if it is damaged.

    name: the blob's or file's, for the message.
    """
    unreadable.check(name, data, FORMAT)
    return _decoder.decode(data)
