"""What a job has come to, as it is stored."""

from typing import Any

import msgspec

from shared.evaluation.buckets import Series
from shared.evaluation.importance import Importances
from shared.evaluation.intervals.interval import Interval
from shared.evaluation.result import Result
from shared.loops import unreadable
from shared.loops.exact_sum import ExactSum
from shared.loops.policy_sums import PolicySums

FORMAT = 1


class Outcome(msgspec.Struct, frozen=True):
    """result: of an evaluation; sums, series: of its policies, over all events and over time. rewards: their range.

    features: of policies over all of the log, where they were asked for.
    """

    rewards: Interval = Interval(0.0, 1.0)
    result: Result | None = None
    sums: dict[str, PolicySums] = {}
    series: Series = {}
    features: Importances | None = None
    v: int = FORMAT


def _plain(value: Any) -> str:
    if isinstance(value, ExactSum):
        return value.encode()
    raise NotImplementedError(f"{type(value).__name__} is not stored")


def _exact(kind: type, value: Any) -> ExactSum:
    return ExactSum.decode(value)


_encoder = msgspec.json.Encoder(enc_hook=_plain, order="sorted")
_decoder = msgspec.json.Decoder(Outcome, dec_hook=_exact)


def encode(outcome: Outcome) -> bytes:
    return _encoder.encode(outcome)


def decode(data: bytes) -> Outcome:
    """What was encoded; raises LaterVersion, DecodeError, ValidationError."""
    unreadable.check("the result", data, FORMAT)
    return _decoder.decode(data)
