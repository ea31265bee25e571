"""A bounded decoder of AMQP 1.0 types: every length, count and nesting depth is checked against the bytes at hand."""

import struct
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from . import errors
from .errors import AmqpError

MAX_DEPTH = 16
MAX_WIDTHLESS_ITEMS = 32
"""Elements an array may claim when they take no bytes (null, true, empty list); all others are bounded by size."""


class Described(NamedTuple):
    descriptor: Any
    value: Any


Bytes = bytes | memoryview


def malformed(what: str) -> AmqpError:
    return AmqpError(errors.DECODE, f"malformed AMQP data: {what}")


def decode(data: Bytes, position: int = 0) -> tuple[Any, int]:
    """The value encoded at `position` and the position behind it.

    Symbols and strings give str, binary bytes, timestamps int (milliseconds), lists and arrays list, maps dict.
    Raises AmqpError (decode-error) whatever the bytes are.
    """
    try:
        value, end = _decode(data, position, 0)
    except (IndexError, struct.error, ValueError, OverflowError) as error:
        raise malformed(str(error)) from None
    if end > len(data):
        raise malformed("a value ends behind its frame")
    return value, end


def skip(data: Bytes, position: int) -> int:
    """The position behind the value encoded at `position`, found without decoding it."""
    try:
        while data[position] == 0:
            position = skip(data, position + 1)
        end = _end(data, position)
    except (IndexError, struct.error, RecursionError) as error:
        raise malformed(str(error)) from None
    if end > len(data):
        raise malformed("a value ends behind its frame")
    return end


def items(data: Bytes, position: int) -> tuple[int, int, int]:
    """Position of the first item, number of items and end of the list or map encoded at `position`."""
    code, end = data[position], skip(data, position)
    if code == 0x45:
        return end, 0, end
    if code in (0xC0, 0xC1):
        first, count = position + 3, data[position + 2]
    elif code in (0xD0, 0xD1):
        first, count = position + 9, _u32(data, position + 5)
    else:
        raise malformed(f"a list or map was expected, not constructor 0x{code:02x}")
    if count > end - first:
        raise malformed("a list or map claims more items than it has bytes")
    return first, count, end


_WIDTH = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}


def _u32(data: Bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "big")


def _end(data: Bytes, position: int) -> int:
    code = data[position]
    width = _WIDTH.get(code >> 4)
    if width is not None:
        return position + 1 + width
    if code >> 4 in (0xA, 0xC, 0xE):
        return position + 2 + data[position + 1]
    if code >> 4 in (0xB, 0xD, 0xF):
        return position + 5 + _u32(data, position + 1)
    raise malformed(f"unknown constructor 0x{code:02x}")


def _decode(data: Bytes, position: int, depth: int) -> tuple[Any, int]:
    code = data[position]
    read = _READERS.get(code)
    if read is not None:
        return read(data, position + 1, depth)
    if code == 0:
        return _described(data, position, depth)
    raise malformed(f"unknown constructor 0x{code:02x}")


def _described(data: Bytes, position: int, depth: int) -> tuple[Described, int]:
    _check_depth(depth)
    descriptor, position = _decode(data, position + 1, depth + 1)
    value, position = _decode(data, position, depth + 1)
    return Described(descriptor, value), position


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise malformed(f"values are nested deeper than {MAX_DEPTH}")


def _payload(data: Bytes, position: int, code: int, depth: int) -> tuple[Any, int]:
    read = _READERS.get(code)
    if read is None:
        raise malformed(f"unknown constructor 0x{code:02x}")
    return read(data, position, depth)


def _constant(value: Any) -> "Reader":
    return lambda data, position, depth: (value, position)


def _number(form: str) -> "Reader":
    number = struct.Struct(f">{form}")
    unpack, size = number.unpack_from, number.size
    return lambda data, position, depth: (unpack(data, position)[0], position + size)


def _fixed(size: int, convert: Callable[[bytes], Any]) -> "Reader":
    return lambda data, position, depth: (convert(bytes(data[position : position + size])), position + size)


def _sized8(convert: Callable[[bytes], Any]) -> "Reader":
    def read(data: Bytes, position: int, depth: int) -> tuple[Any, int]:
        end = position + 1 + data[position]
        return convert(_within(data, position + 1, end)), end

    return read


def _sized32(convert: Callable[[bytes], Any]) -> "Reader":
    def read(data: Bytes, position: int, depth: int) -> tuple[Any, int]:
        end = position + 4 + _u32(data, position)
        return convert(_within(data, position + 4, end)), end

    return read


def _within(data: Bytes, start: int, end: int) -> bytes:
    if end > len(data):
        raise malformed("a value ends behind its frame")
    return bytes(data[start:end])


def _compound8(read_items: "ItemsReader") -> "Reader":
    def read(data: Bytes, position: int, depth: int) -> tuple[Any, int]:
        _check_depth(depth)
        end = position + 1 + data[position]
        return read_items(data, position + 2, end, data[position + 1], depth + 1), end

    return read


def _compound32(read_items: "ItemsReader") -> "Reader":
    def read(data: Bytes, position: int, depth: int) -> tuple[Any, int]:
        _check_depth(depth)
        end = position + 4 + _u32(data, position)
        return read_items(data, position + 8, end, _u32(data, position + 4), depth + 1), end

    return read


def _list(data: Bytes, position: int, end: int, count: int, depth: int) -> list[Any]:
    if count > end - position:
        raise malformed("a list or map claims more items than it has bytes")
    values = []
    for _ in range(count):
        value, position = _decode(data, position, depth)
        values.append(value)
    if position != end:
        raise malformed("a list or map does not fill its size")
    return values


def _map(data: Bytes, position: int, end: int, count: int, depth: int) -> dict[Any, Any]:
    values = _list(data, position, end, count, depth)
    try:
        return dict(zip(values[::2], values[1::2], strict=True))
    except (TypeError, ValueError):
        raise malformed("a map has an odd number of items or a compound key") from None


def _array(data: Bytes, position: int, end: int, count: int, depth: int) -> list[Any]:
    if count > max(end - position, MAX_WIDTHLESS_ITEMS):
        raise malformed("an array claims more items than it has bytes")
    if count == 0:
        return []
    descriptors: list[Any] = []
    while data[position] == 0:
        _check_depth(depth + len(descriptors))
        descriptor, position = _decode(data, position + 1, depth)
        descriptors.append(descriptor)
    code = data[position]
    position += 1
    values = []
    for _ in range(count):
        value, position = _payload(data, position, code, depth)
        for descriptor in reversed(descriptors):
            value = Described(descriptor, value)
        values.append(value)
    if position != end:
        raise malformed("an array does not fill its size")
    return values


Reader = Callable[[Bytes, int, int], tuple[Any, int]]
ItemsReader = Callable[[Bytes, int, int, int, int], Any]

_READERS: dict[int, Reader] = {
    **{0x40: _constant(None), 0x41: _constant(True), 0x42: _constant(False), 0x43: _constant(0), 0x44: _constant(0)},
    0x45: lambda data, position, depth: ([], position),
    **{0x50: _number("B"), 0x60: _number("H"), 0x70: _number("I"), 0x80: _number("Q")},
    **{0x51: _number("b"), 0x61: _number("h"), 0x71: _number("i"), 0x81: _number("q")},
    **{0x52: _number("B"), 0x53: _number("B"), 0x54: _number("b"), 0x55: _number("b")},
    **{0x56: _number("?"), 0x72: _number("f"), 0x82: _number("d"), 0x83: _number("q")},
    **{0x73: _fixed(4, bytes), 0x74: _fixed(4, bytes), 0x84: _fixed(8, bytes), 0x94: _fixed(16, bytes)},
    0x98: _fixed(16, lambda raw: UUID(bytes=raw)),
    **{0xA0: _sized8(bytes), 0xA1: _sized8(bytes.decode), 0xA3: _sized8(bytes.decode)},
    **{0xB0: _sized32(bytes), 0xB1: _sized32(bytes.decode), 0xB3: _sized32(bytes.decode)},
    **{0xC0: _compound8(_list), 0xC1: _compound8(_map), 0xE0: _compound8(_array)},
    **{0xD0: _compound32(_list), 0xD1: _compound32(_map), 0xF0: _compound32(_array)},
}
