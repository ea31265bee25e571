"""Batches as rlclientlib's local inference sends them, built by the FlatBuffers runtime from the schema of protocol 2.

Field numbers are positions in rlclientlib/schema/v2/*.fbs; a union takes two, the type first.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

import flatbuffers

CB, CCB, SLATES, OUTCOME, CA, DEDUP, MULTI_STEP, EPISODE = range(8)
ONLINE, APPRENTICE, LOGGING_ONLY = range(3)
DICTIONARY_ID = "3defd95a-0122-4aac-9068-0b9ac30b66d8"


def context(liked: str = "x", **members: Any) -> dict[str, Any]:
    """Two actions and a user. The default policy crosses what it knows of an action in namespace i with all else."""
    actions = [{"_tag": "left", "i": {"side": "left"}}, {"_tag": "right", "i": {"side": "right"}}]
    return {"User": {"likes": liked}, "_multi": actions} | members


def decision(
    event_id: str,
    actions: Sequence[int] = (1, 2),
    probabilities: Sequence[float] = (0.5, 0.5),
    features: Any = None,
    model: str = "N/A",
    deferred: bool = False,
    mode: int = ONLINE,
    **meta: Any,
) -> bytes:
    """An event with a CbEvent. features: the context, as bytes or as what its JSON says."""
    builder = flatbuffers.Builder()
    places = [_vector(builder, actions, 8, builder.PrependUint64), _octets(builder, _json(features))]
    places += [_vector(builder, probabilities, 4, builder.PrependFloat32), builder.CreateString(model)]
    builder.StartObject(6)
    builder.PrependBoolSlot(0, deferred, False)
    for field, place in enumerate(places, 1):
        builder.PrependUOffsetTRelativeSlot(field, place, 0)
    builder.PrependUint8Slot(5, mode, 0)
    builder.Finish(builder.EndObject())
    return event(event_id, CB, bytes(builder.Output()), **meta)


def slots_decision(
    event_id: str,
    slots: Sequence[tuple[str, Sequence[int], Sequence[float]]],
    features: Any,
    model: str = "N/A",
    deferred: bool = False,
    baselines: Sequence[int] = (),
    mode: int = ONLINE,
    **meta: Any,
) -> bytes:
    """An event with a MultiSlotEvent. slots: id, actions (0-based), probabilities."""
    builder = flatbuffers.Builder()
    made = [_slot(builder, *slot) for slot in slots]
    places = [_octets(builder, _json(features)), _vector(builder, made, 4, builder.PrependUOffsetTRelative)]
    places.append(builder.CreateString(model))
    numbers = _vector(builder, baselines, 4, builder.PrependInt32)
    builder.StartObject(6)
    for field, place in enumerate(places):
        builder.PrependUOffsetTRelativeSlot(field, place, 0)
    builder.PrependBoolSlot(3, deferred, False)
    builder.PrependUOffsetTRelativeSlot(4, numbers, 0)
    builder.PrependUint8Slot(5, mode, 0)
    builder.Finish(builder.EndObject())
    return event(event_id, CCB, bytes(builder.Output()), **meta)


def outcome(
    event_id: str, value: float | str | None = None, index: int | str | None = None, taken: bool = False, **meta: Any
) -> bytes:
    """An event with an OutcomeEvent."""
    builder = flatbuffers.Builder()
    unions = [_union(builder, value, builder.PrependFloat32Slot), _union(builder, index, builder.PrependInt32Slot)]
    builder.StartObject(5)
    for number, (kind, place) in enumerate(unions):
        builder.PrependUint8Slot(2 * number, kind, 0)
        builder.PrependUOffsetTRelativeSlot(2 * number + 1, place, 0)
    builder.PrependBoolSlot(4, taken, False)
    builder.Finish(builder.EndObject())
    return event(event_id, OUTCOME, bytes(builder.Output()), **meta)


def dictionary(actions: dict[int, str]) -> bytes:
    """The event with the DedupInfo of a deduplicated batch."""
    builder = flatbuffers.Builder()
    texts = [builder.CreateString(text) for text in actions.values()]
    values = _vector(builder, texts, 4, builder.PrependUOffsetTRelative)
    ids = _vector(builder, list(actions), 8, builder.PrependUint64)
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(0, ids, 0)
    builder.PrependUOffsetTRelativeSlot(1, values, 0)
    builder.Finish(builder.EndObject())
    return event(DICTIONARY_ID, DEDUP, bytes(builder.Output()))


def event(event_id: str, kind: int, payload: bytes, passed: float = 1.0, encoding: int = 0) -> bytes:
    """An Event: Metadata around a payload."""
    builder = flatbuffers.Builder()
    id_, app, octets = builder.CreateString(event_id), builder.CreateString("app"), _octets(builder, payload)
    builder.StartObject(6)
    builder.PrependUOffsetTRelativeSlot(0, id_, 0)
    builder.PrependStructSlot(1, _timestamp(builder), 0)
    builder.PrependUOffsetTRelativeSlot(2, app, 0)
    builder.PrependUint8Slot(3, kind, 0)
    builder.PrependFloat32Slot(4, passed, 0.0)
    builder.PrependUint8Slot(5, encoding, 0)
    meta = builder.EndObject()
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(0, meta, 0)
    builder.PrependUOffsetTRelativeSlot(1, octets, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


def batch(*events: bytes, content: str = "IDENTITY", kind: int = 13) -> bytes:
    """The body of a request: preamble and EventBatch."""
    builder = flatbuffers.Builder()
    serialized = []
    for one in events:
        payload = _octets(builder, one)
        builder.StartObject(1)
        builder.PrependUOffsetTRelativeSlot(0, payload, 0)
        serialized.append(builder.EndObject())
    vector = _vector(builder, serialized, 4, builder.PrependUOffsetTRelative)
    encoding = builder.CreateString(content)
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(0, encoding, 0)
    builder.PrependUint64Slot(1, len(events), 0)
    metadata = builder.EndObject()
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(0, vector, 0)
    builder.PrependUOffsetTRelativeSlot(1, metadata, 0)
    builder.Finish(builder.EndObject())
    body = bytes(builder.Output())
    return struct.pack(">BBHI", 0, 0, kind, len(body)) + body


def _timestamp(builder: flatbuffers.Builder) -> int:
    """TimeStamp{year, month, day, hour, minute, second, subsecond}, which is 12 bytes and aligned to 4."""
    builder.Prep(4, 12)
    builder.PrependUint32(1234567)
    builder.Pad(1)
    for part in (59, 30, 12, 25, 11):
        builder.PrependUint8(part)
    builder.PrependUint16(2026)
    return int(builder.Offset())


def _slot(builder: flatbuffers.Builder, name: str, actions: Sequence[int], probabilities: Sequence[float]) -> int:
    places = [_vector(builder, actions, 4, builder.PrependUint32)]
    places += [_vector(builder, probabilities, 4, builder.PrependFloat32), builder.CreateString(name)]
    builder.StartObject(3)
    for field, place in enumerate(places):
        builder.PrependUOffsetTRelativeSlot(field, place, 0)
    return int(builder.EndObject())


def _union(builder: flatbuffers.Builder, value: Any, prepend: Callable[[int, Any, Any], None]) -> tuple[int, int]:
    """Type and place of a union of a table with a number and a text."""
    if value is None:
        return 0, 0
    if isinstance(value, str):
        return 2, int(builder.CreateString(value))
    builder.StartObject(1)
    prepend(0, value, 0)
    return 1, int(builder.EndObject())


def _vector(builder: flatbuffers.Builder, values: Sequence[Any], size: int, prepend: Callable[[Any], None]) -> int:
    builder.StartVector(size, len(values), size)
    for value in reversed(values):
        prepend(value)
    return int(builder.EndVector())


def _octets(builder: flatbuffers.Builder, octets: bytes) -> int:
    return int(builder.CreateByteVector(octets))


def _json(features: Any) -> bytes:
    if isinstance(features, bytes):
        return features
    return json.dumps(context() if features is None else features).encode()
