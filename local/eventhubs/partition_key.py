"""The partition of a partition key: Jenkins lookup3 over its UTF-8 bytes, as the Event Hubs service does it.

Source: Bob Jenkins, lookup3.c (public domain), `hashlittle2` with both seeds 0.
"""

import struct

_MASK = 0xFFFFFFFF


def partition_of(key: str, partitions: int) -> int:
    return abs(key_hash(key)) % partitions


def key_hash(key: str) -> int:
    """A signed 16-bit hash."""
    data = key.encode()
    a = b = c = (0xDEADBEEF + len(data)) & _MASK
    while len(data) > 12:
        a, b, c = _mix(*_add(a, b, c, data[:12]))
        data = data[12:]
    if data:
        a, b, c = _final(*_add(a, b, c, data.ljust(12, b"\0")))
    low = (c ^ b) & 0xFFFF
    return low - 0x10000 if low & 0x8000 else low


def _add(a: int, b: int, c: int, block: bytes) -> tuple[int, int, int]:
    x, y, z = struct.unpack("<III", block)
    return (a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (32 - bits))) & _MASK


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (4, 6, 8, 16, 19, 4):
        a = (a - c) & _MASK ^ _rotate(c, bits)
        c = (c + b) & _MASK
        a, b, c = b, c, a
    return a, b, c


def _final(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _rotate(b, bits)) & _MASK
        a, b, c = b, c, a
    return c, a, b
