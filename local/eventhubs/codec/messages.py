"""Message rewriting: what a producer sends becomes what a consumer receives, byte for byte outside the annotations."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from . import errors
from .decode import Bytes, decode, items, malformed, skip
from .errors import AmqpError

HEADER, DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS, PROPERTIES, APPLICATION_PROPERTIES = range(0x70, 0x75)
DATA, SEQUENCE, VALUE, FOOTER = range(0x75, 0x79)

SINGLE_FORMAT = 0
BATCH_FORMAT = 0x80013700
"""Message format of a batch: each data section is a whole encoded message."""

PARTITION_KEY = "x-opt-partition-key"
_STAMPED = {"x-opt-sequence-number", "x-opt-offset", "x-opt-enqueued-time"}
_SECTION_TYPES = {
    **dict.fromkeys((HEADER, PROPERTIES, SEQUENCE), (0x45, 0xC0, 0xD0)),
    **dict.fromkeys((DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS, APPLICATION_PROPERTIES, FOOTER), (0xC1, 0xD1)),
    DATA: (0xA0, 0xB0),
}

_STAMP = struct.Struct(">3sBII23sBq21sBq14sBB")
_STAMP_SIZE = _STAMP.size - 8


class Event(NamedTuple):
    """One event as its producer sent it, ready to be stamped."""

    header: bytes
    annotations: bytes
    """The producer's own message annotations: encoded keys and values, alternating."""
    annotation_items: int
    rest: bytes
    """Properties, application properties, body and footer, encoded."""
    partition_key: str | None

    def stamped(self, sequence: int, offset: int, enqueued: int) -> bytes:
        """The message as consumers receive it; `enqueued` in milliseconds since 1970."""
        where = str(offset).encode()
        size = _STAMP_SIZE + len(where) + len(self.annotations)
        stamp = _STAMP.pack(
            *(b"\x00\x53\x72", 0xD1, size, 6 + self.annotation_items),
            *(b"\xa3\x15x-opt-sequence-number", 0x81, sequence),
            *(b"\xa3\x13x-opt-enqueued-time", 0x83, enqueued),
            *(b"\xa3\x0cx-opt-offset", 0xA1, len(where)),
        )
        return b"".join((self.header, stamp, where, self.annotations, self.rest))


def events(message_format: int, payload: Bytes) -> list[Event]:
    """The events of one delivery. Raises AmqpError if it is not a well-formed message or batch."""
    if message_format == SINGLE_FORMAT:
        return [event(payload)]
    if message_format != BATCH_FORMAT:
        raise AmqpError(errors.NOT_ALLOWED, f"message format 0x{message_format:08x}: only 0 and 0x80013700 are known")
    return _batch(payload)


def _batch(payload: Bytes) -> list[Event]:
    key, batch = None, []
    for code, start, _ in sections(payload):
        if code == MESSAGE_ANNOTATIONS:
            key = _annotations(payload, start)[2]
        elif code == DATA:
            batch.append(event(decode(payload, start)[0]))
    if not batch:
        raise malformed("a batch without events")
    return [each._replace(partition_key=key) for each in batch] if key is not None else batch


def event(message: Bytes) -> Event:
    header, annotations, count, key, rest = b"", b"", 0, None, []
    for code, start, end in sections(message):
        if code == MESSAGE_ANNOTATIONS:
            annotations, count, key = _annotations(message, start)
        elif code == HEADER:
            header = b"\x00\x53\x70" + bytes(message[start:end])
        elif code != DELIVERY_ANNOTATIONS:
            rest += [b"\x00\x53" + bytes((code,)), message[start:end]]
    if not rest:
        raise malformed("a message without content")
    return Event(header, annotations, count, b"".join(rest), key)


def sections(message: Bytes) -> Iterator[tuple[int, int, int]]:
    """Descriptor code, start and end of the value of each section; everything but bodies is checked by decoding."""
    position = 0
    while position < len(message):
        code, start = _section(message, position)
        constructor = message[start] if start < len(message) else 0
        if constructor not in _SECTION_TYPES.get(code, (constructor,)):
            raise malformed(f"section 0x{code:02x} has constructor 0x{constructor:02x}")
        position = skip(message, start) if code == DATA else decode(message, start)[1]
        yield code, start, position


def _section(message: Bytes, position: int) -> tuple[int, int]:
    if message[position : position + 2] == b"\x00\x53" and position + 2 < len(message):
        code, start = message[position + 2], position + 3
    else:
        if message[position] != 0:
            raise malformed("a message section without descriptor")
        code, start = decode(message, position + 1)
    if not isinstance(code, int) or not HEADER <= code <= FOOTER:
        raise malformed(f"unknown message section {code!r}")
    return code, start


def _annotations(message: Bytes, start: int) -> tuple[bytes, int, str | None]:
    """The producer's annotations (encoded, count of keys and values) and its partition key."""
    position, count, _ = items(message, start)
    kept, key = [], None
    for _ in range(count // 2):
        begin = position
        name, position = decode(message, position)
        value, position = decode(message, position)
        if name in _STAMPED:
            continue
        if name == PARTITION_KEY:
            key = value if isinstance(value, str) else None
        kept.append(bytes(message[begin:position]))
    return b"".join(kept), 2 * len(kept), key


def with_delivery_annotations(message: Bytes, annotations: bytes) -> bytes:
    """`message` with an encoded map as its delivery annotations, in the place the format wants them."""
    end = skip(message, 3) if message[2] == HEADER else 0
    return b"".join((message[:end], b"\x00\x53\x71", annotations, message[end:]))
