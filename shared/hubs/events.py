"""The events of the two event hubs: what Rank decided (interactions) and what became of it (observations).

A message body holds 1..N events, each a JSON object with a newline behind it.
"""

import hashlib
import os
import zlib
from datetime import UTC, datetime
from typing import Literal, TypeVar

import msgspec

VERSION = 1
# Event Hubs takes messages of 1 MiB (Standard and above); the rest is for what surrounds the context. A context may
# be several times as long as its request: `1e9` is logged as `1000000000.0`.
LARGEST_CONTEXT_BYTES = 1_000_000
LARGEST_EVENT_BYTES = 1_040_000


class Slot(msgspec.Struct, gc=False):
    """The decision about one slot. `a`: 0-based action numbers, the chosen one first; `p`: their probabilities."""

    id: str
    a: list[int]
    p: list[float]


class Assignment(msgspec.Struct, frozen=True, gc=False):
    """Which arm of a holdback a decision is in, and what that was drawn by (docs/decisions/0042-holdback.md).

    arm: `baseline` shows the baseline, `policy` what the policy draws. bucket: 0..99, of the key that decided, the same
    for all events with it. share: of the arm `baseline`, 0..1. window: the salt with which keys were hashed; another
    one draws anew.
    """

    arm: Literal["baseline", "policy"]
    bucket: int
    share: float
    window: str


class Interaction(msgspec.Struct, gc=False, omit_defaults=True):
    """A decision. `a`: 1-based action numbers, the chosen one first; `p`: their probabilities; `c`: VW's JSON.

    With several slots `a` and `p` are empty; `slots` says it of each, `ba` are their baselines' 0-based numbers.
    `drop`: the probability with which a client that ranks by itself would have dropped it, in 0..1. `holdback`: None
    without one; the probabilities are those of both arms together.
    """

    v: int
    loop: str
    id: str
    at: str
    mode: str
    deferred: bool
    model: str
    a: list[int]
    p: list[float]
    c: msgspec.Raw
    slots: list[Slot] | None = None
    ba: list[int] | None = None
    drop: float | None = None
    holdback: Assignment | None = None


class Observation(msgspec.Struct, gc=False, omit_defaults=True):
    """A reward or an activation. `nonce` is made per API call, so a repeated send is recognised.

    The reward of a slot names it, or says which one it is: `index`, 0-based.
    """

    v: int
    loop: str
    id: str
    at: str
    kind: Literal["reward", "activation"]
    nonce: str
    value: float | None = None
    slot: str | None = None
    index: int | None = None


_encode = msgspec.json.Encoder().encode
_interaction = msgspec.json.Decoder(Interaction)
_observation = msgspec.json.Decoder(Observation)


def encode(event: Interaction | Observation) -> bytes:
    """The event as one line of JSON, newline included."""
    return _encode(event) + b"\n"


def decode_interaction(line: bytes) -> Interaction:
    """Raises ValueError (msgspec.DecodeError, UnicodeDecodeError) if the line is not an interaction we know."""
    event = _known(_interaction, line)
    if not event.a and not event.slots:
        raise ValueError("a decision without an action")
    return event


def decode_observation(line: bytes) -> Observation:
    """Raises ValueError if the line is not an observation we know."""
    event = _known(_observation, line)
    if event.kind == "reward" and event.value is None:
        raise ValueError("a reward without a value")
    return event


_Event = TypeVar("_Event", Interaction, Observation)


class OtherVersion(ValueError):
    """An event of a version that this one does not know."""


class _Versioned(msgspec.Struct, gc=False):
    v: int


_versioned = msgspec.json.Decoder(_Versioned)


def _known(decoder: msgspec.json.Decoder[_Event], line: bytes) -> _Event:
    try:
        event = decoder.decode(line)
    except msgspec.ValidationError:
        _check(_versioned.decode(line).v)  # it may have another shape, and then its version is what is to be told
        raise
    _check(event.v)
    return event


def _check(version: int) -> None:
    if version != VERSION:
        raise OtherVersion(f"event version {version} is not {VERSION}")


def partition_of(event_id: str, partitions: int) -> int:
    """The partition of an event id in both hubs: CRC-32 (IEEE 802.3) of its UTF-8 bytes, modulo the count."""
    return zlib.crc32(event_id.encode()) % partitions


def key_of(event_id: str) -> int:
    """64 bits that stand for an event id in memory (BLAKE2b)."""
    return int.from_bytes(hashlib.blake2b(event_id.encode(), digest_size=8).digest())


def now() -> str:
    """The time of an event as its maker saw it; the join uses the hub's enqueued time instead."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    """The id of an event whose caller gave none: a random UUID, made three times as fast as by `uuid`."""
    digits = os.urandom(15).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-8{digits[15:18]}-{digits[18:]}"


def nonce() -> str:
    """A new name for one API call."""
    return os.urandom(8).hex()


def repeatable_nonce(request_id: str, kind: str, place: int, slot: str | None, value: float | None) -> str:
    """The name of an observation that is the same when its call is repeated under the same id.

    place: of the observation in its call. Gateways give one id to many calls, so what was observed is part of it.
    """
    said = _encode((request_id, kind, place, slot, value))
    return hashlib.blake2b(said, digest_size=8).hexdigest()
