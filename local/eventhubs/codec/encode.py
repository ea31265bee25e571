"""AMQP 1.0 type encodings (OASIS AMQP 1.0 part 1, section 1.6): each function returns one encoded value."""

import struct
from collections.abc import Iterable

NULL = b"\x40"
TRUE = b"\x41"
FALSE = b"\x42"
EMPTY_LIST = b"\x45"

_COMPACT_LIMIT = 256


def boolean(value: bool) -> bytes:
    return TRUE if value else FALSE


def ubyte(value: int) -> bytes:
    return bytes((0x50, value))


def ushort(value: int) -> bytes:
    return struct.pack(">BH", 0x60, value)


def uint(value: int) -> bytes:
    if value == 0:
        return b"\x43"
    return bytes((0x52, value)) if value < _COMPACT_LIMIT else struct.pack(">BI", 0x70, value)


def ulong(value: int) -> bytes:
    if value == 0:
        return b"\x44"
    return bytes((0x53, value)) if value < _COMPACT_LIMIT else struct.pack(">BQ", 0x80, value)


def int32(value: int) -> bytes:
    return struct.pack(">Bi", 0x71, value)


def long(value: int) -> bytes:
    return struct.pack(">Bq", 0x81, value)


def timestamp(milliseconds: int) -> bytes:
    """`milliseconds` since 1970-01-01 UTC."""
    return struct.pack(">Bq", 0x83, milliseconds)


def binary(value: bytes) -> bytes:
    return _sized(0xA0, value)


def string(value: str) -> bytes:
    return _sized(0xA1, value.encode())


def symbol(value: str) -> bytes:
    return _sized(0xA3, value.encode("ascii", "replace"))


def symbols(values: Iterable[str]) -> bytes:
    """An array of symbols."""
    return _array(0xB3, [value.encode("ascii") for value in values])


def strings(values: Iterable[str]) -> bytes:
    """An array of strings."""
    return _array(0xB1, [value.encode() for value in values])


def sequence(*items: bytes) -> bytes:
    """A list of already encoded values."""
    return _compound(0xC0, items)


def mapping(*items: bytes) -> bytes:
    """A map of already encoded keys and values, alternating."""
    return _compound(0xC1, items)


def described(code: int, value: bytes) -> bytes:
    """`value` with the numeric descriptor `code` (below 256)."""
    return b"\x00\x53" + bytes((code,)) + value


def _sized(compact: int, value: bytes) -> bytes:
    if len(value) < _COMPACT_LIMIT:
        return bytes((compact, len(value))) + value
    return struct.pack(">BI", compact | 0x10, len(value)) + value


def _compound(compact: int, items: tuple[bytes, ...]) -> bytes:
    body = b"".join(items)
    if len(body) < _COMPACT_LIMIT - 1 and len(items) < _COMPACT_LIMIT:
        return bytes((compact, len(body) + 1, len(items))) + body
    return struct.pack(">BII", compact | 0x10, len(body) + 4, len(items)) + body


def _array(constructor: int, values: list[bytes]) -> bytes:
    body = b"".join(struct.pack(">I", len(value)) + value for value in values)
    return struct.pack(">BIIB", 0xF0, len(body) + 5, len(values), constructor) + body
