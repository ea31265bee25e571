"""The record of one event in a segment file: a header with a checksum, then the message as consumers receive it."""

import struct
import zlib
from typing import NamedTuple

MAGIC = b"\xf5\xe7\x0aE"
"""Starts every record, so that reading can go on behind damaged bytes."""

_HEADER = struct.Struct(">4sIIIQq")
_CHECKED = struct.Struct(">IIQq")
HEADER_SIZE = _HEADER.size
MAX_LENGTH = 4 << 20


class Record(NamedTuple):
    position: int
    end: int
    sequence: int
    enqueued: int
    """Milliseconds since 1970."""
    remaining: int
    """Events of the same append that follow; an append is whole when a record with 0 is there."""
    message: memoryview


def encode(message: bytes, remaining: int, sequence: int, enqueued: int) -> bytes:
    checked = _CHECKED.pack(len(message), remaining, sequence, enqueued)
    checksum = zlib.crc32(message, zlib.crc32(checked))
    return b"".join((MAGIC, checksum.to_bytes(4, "big"), checked, message))


class Parsed(NamedTuple):
    records: list[Record]
    end: int
    """Position in the file behind the last record."""
    needed: int
    """Bytes that the next record has from `end` on, 0 if no record can start there."""


def parse(chunk: memoryview, start: int, limit: int) -> Parsed:
    """At most `limit` records from `chunk`, which begins at position `start` of its file."""
    records: list[Record] = []
    here, size = 0, len(chunk)
    while len(records) < limit:
        if here + HEADER_SIZE > size:
            return Parsed(records, start + here, HEADER_SIZE)
        magic, checksum, length, remaining, sequence, enqueued = _HEADER.unpack_from(chunk, here)
        if magic != MAGIC or length > MAX_LENGTH:
            return Parsed(records, start + here, 0)
        body = here + HEADER_SIZE
        end = body + length
        if end > size:
            return Parsed(records, start + here, HEADER_SIZE + length)
        if zlib.crc32(chunk[here + 8 : end]) != checksum:
            return Parsed(records, start + here, 0)
        records.append(Record(start + here, start + end, sequence, enqueued, remaining, chunk[body:end]))
        here = end
    return Parsed(records, start + here, HEADER_SIZE)
