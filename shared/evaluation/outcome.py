"""What a job has come to, as it is stored."""

import msgspec

from shared.evaluation.buckets import Series
from shared.evaluation.importance import Importances
from shared.evaluation.intervals.interval import Interval
from shared.evaluation.multi_slot.slot_sums import SlotSeries, SlotSums
from shared.evaluation.result import Result
from shared.loops import exact_sum, unreadable
from shared.loops.policy_sums import PolicySums

# What was found about several slots is of format 2.
FORMAT, SEVERAL_SLOTS = 2, 2


class Outcome(msgspec.Struct, frozen=True):
    """result: of an evaluation; sums, series: of its policies, over all events and over time. rewards: their range.

    features: of policies over all of the log, where they were asked for. slot_sums, slot_series: of several slots, the
    same as sums and series by slot.
    """

    rewards: Interval = Interval(0.0, 1.0)
    result: Result | None = None
    sums: dict[str, PolicySums] = {}
    series: Series = {}
    features: Importances | None = None
    slot_sums: dict[str, SlotSums] = {}
    slot_series: SlotSeries = {}
    v: int = 1


_encoder = msgspec.json.Encoder(enc_hook=exact_sum.to_json, order="sorted")
_decoder = msgspec.json.Decoder(Outcome, dec_hook=exact_sum.from_json)


def encode(outcome: Outcome) -> bytes:
    return _encoder.encode(outcome)


def decode(data: bytes) -> Outcome:
    """What was encoded; raises LaterVersion, DecodeError, ValidationError."""
    unreadable.check("the result", data, FORMAT)
    return _decoder.decode(data)
