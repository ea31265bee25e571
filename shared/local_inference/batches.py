"""Batches of events as the local inference of the SDKs sends them: VowpalWabbit/reinforcement_learning, protocol 2.

A batch is a preamble of eight bytes (0, version 0, type and length of what follows, big-endian) and a FlatBuffer
EventBatch. Each event in it is a FlatBuffer of its own, with metadata and a payload that is one more. The numbers of
fields are those of rlclientlib/schema/v2/Event.fbs and Metadata.fbs.
"""

import struct
from typing import NamedTuple

from shared.local_inference.flatbuffer import Allowance, Malformed, Overlapping, Table, root
from shared.local_inference.payloads import READERS, Payload, Unsupported

_PREAMBLE = struct.Struct(">BBHI")
GENERIC_EVENTS = 13  # rlclientlib/logger/message_type.h
# Each byte is in a batch, an event and a payload, and is read once in each of them.
_READ_BYTES = 4
# Beyond so many events that cannot be read, it is not a batch.
MOST_REFUSED = 10_000
_KINDS = ("CB", "CCB", "Slates", "Outcome", "CA", "DedupInfo", "MultiStep", "Episode")


class Event(NamedTuple):
    """One event of a batch. drop: the probability with which its sender would have dropped it, None for 0."""

    id: str
    drop: float | None
    content: Payload


class Batch(NamedTuple):
    """What was sent. actions: of a deduplicated batch, the JSON of its actions by the number that stands for them.

    refused: why others of its events cannot be read.
    """

    events: list[Event]
    actions: dict[int, str]
    refused: list[Malformed | Unsupported]


def read(body: bytes) -> Batch:
    """The events of a batch, at least one; raises Malformed or Unsupported, with what to change, if there is none."""
    batch = _batch(body)
    events: list[Event] = []
    actions: dict[int, str] = {}
    refused: list[Malformed | Unsupported] = []
    allowance = Allowance(_READ_BYTES * len(body))
    for number, sent in enumerate(root(batch, allowance).tables(0), 1):
        try:
            _read(root(sent.octets(0), allowance), allowance, events, actions)
        except Overlapping as error:
            raise Overlapping(f"event {number}: {error}") from None
        except (Malformed, Unsupported) as error:
            if len(refused) >= MOST_REFUSED:
                raise
            refused.append(type(error)(f"event {number}: {error}"))
    if not events:
        raise refused[0] if refused else Malformed("there is no event in it")
    return Batch(events, actions, refused)


def _batch(body: bytes) -> memoryview:
    if len(body) < _PREAMBLE.size:
        raise Malformed("it is shorter than its preamble of 8 bytes; send a Content-Length")
    _, version, kind, size = _PREAMBLE.unpack_from(body)
    if (version, kind) != (0, GENERIC_EVENTS):
        raise Unsupported(f"its type is {kind} in version {version}, not {GENERIC_EVENTS} in 0: set protocol.version 2")
    if size != len(body) - _PREAMBLE.size:
        raise Malformed(f"its preamble announces {size} bytes, {len(body) - _PREAMBLE.size} follow")
    return memoryview(body)[_PREAMBLE.size :]


def _read(event: Table, allowance: Allowance, events: list[Event], actions: dict[int, str]) -> None:
    """Puts an event where it belongs."""
    meta = event.table(0)
    if meta is None:
        raise Malformed("it has no metadata")
    if meta.integer(5, "B"):
        raise Unsupported("compressed payloads are not taken; turn compression off")
    kind = meta.integer(3, "B")
    name = _KINDS[kind] if kind < len(_KINDS) else str(kind)
    if name == "DedupInfo":
        payload = root(event.octets(1), allowance)
        actions.update(zip(payload.integers(0, "Q"), payload.texts(1), strict=False))
        return
    reader = READERS.get(name)
    if reader is None:
        raise Unsupported(f"payload type {name} is not taken; CB, CCB and Outcome are")
    events.append(Event(meta.text(0) or "", _drop(meta.number(4)), reader(root(event.octets(1), allowance))))


def _drop(pass_probability: float) -> float | None:
    """The complement of a probability, None for 0; a sender that does not say it drops nothing."""
    if not 0 <= pass_probability <= 1:
        raise Malformed("pass_probability is not from 0 to 1")
    return 1 - pass_probability if 0 < pass_probability < 1 else None
