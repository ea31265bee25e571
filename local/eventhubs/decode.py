"""A bounded decoder of AMQP 1.0 types: every length, count and nesting depth is checked against the bytes at hand."""

import struct
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from . import errors
from .errors import AmqpError

MAX_DEPTH = 16
MAX_WIDTHLESS_ITEMS = 1024
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
    if code == 0:
        return _described(data, position, depth)
    return _payload(data, position + 1, code, depth)


def _described(data: Bytes, position: int, depth: int) -> tuple[Described, int]:
    _check_depth(depth)
    descriptor, position = _decode(data, position + 1, depth + 1)
    value, position = _decode(data, position, depth + 1)
    return Described(descriptor, value), position


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise malformed(f"values are nested deeper than {MAX_DEPTH}")


def _payload(data: Bytes, position: int, code: int, depth: int) -> tuple[Any, int]:
    if code in _CONSTANT:
        return _CONSTANT[code], position
    if code in _NUMBER:
        number = _NUMBER[code]
        return number.unpack_from(data, position)[0], position + number.size
    if code in _SIZED:
        start, end = _span(data, position, code)
        return _SIZED[code](bytes(data[start:end])), end
    if code in _COMPOUND:
        _check_depth(depth)
        start, end = _span(data, position, code)
        return _COMPOUND[code](data, start, end, depth + 1), end
    if code in _OPAQUE:
        end = position + _WIDTH[code >> 4]
        return _OPAQUE[code](bytes(data[position:end])), end
    raise malformed(f"unknown constructor 0x{code:02x}")


def _span(data: Bytes, position: int, code: int) -> tuple[int, int]:
    if code >> 4 in (0xA, 0xC, 0xE):
        start, size = position + 1, data[position]
    else:
        start, size = position + 4, _u32(data, position)
    if start + size > len(data):
        raise malformed("a value ends behind its frame")
    return start, start + size


def _list8(data: Bytes, start: int, end: int, depth: int) -> list[Any]:
    return _values(data, start + 1, end, data[start], depth)


def _list32(data: Bytes, start: int, end: int, depth: int) -> list[Any]:
    return _values(data, start + 4, end, _u32(data, start), depth)


def _map8(data: Bytes, start: int, end: int, depth: int) -> dict[Any, Any]:
    return _pairs(_list8(data, start, end, depth))


def _map32(data: Bytes, start: int, end: int, depth: int) -> dict[Any, Any]:
    return _pairs(_list32(data, start, end, depth))


def _values(data: Bytes, position: int, end: int, count: int, depth: int) -> list[Any]:
    if count > end - position:
        raise malformed("a list or map claims more items than it has bytes")
    values = []
    for _ in range(count):
        value, position = _decode(data, position, depth)
        values.append(value)
    if position != end:
        raise malformed("a list or map does not fill its size")
    return values


def _pairs(values: list[Any]) -> dict[Any, Any]:
    try:
        return dict(zip(values[::2], values[1::2], strict=True))
    except (TypeError, ValueError):
        raise malformed("a map has an odd number of items or a compound key") from None


def _array8(data: Bytes, start: int, end: int, depth: int) -> list[Any]:
    return _array(data, start + 1, end, data[start], depth)


def _array32(data: Bytes, start: int, end: int, depth: int) -> list[Any]:
    return _array(data, start + 4, end, _u32(data, start), depth)


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


_CONSTANT: dict[int, Any] = {0x40: None, 0x41: True, 0x42: False, 0x43: 0, 0x44: 0, 0x45: []}

_NUMBER = {
    code: struct.Struct(f">{letter}")
    for code, letter in {
        **{0x50: "B", 0x60: "H", 0x70: "I", 0x80: "Q", 0x52: "B", 0x53: "B"},
        **{0x51: "b", 0x61: "h", 0x71: "i", 0x81: "q", 0x54: "b", 0x55: "b"},
        **{0x56: "?", 0x72: "f", 0x82: "d", 0x83: "q"},
    }.items()
}

_SIZED: dict[int, Callable[[bytes], Any]] = {
    **dict.fromkeys((0xA0, 0xB0), bytes),
    **dict.fromkeys((0xA1, 0xB1, 0xA3, 0xB3), bytes.decode),
}

_COMPOUND: dict[int, Callable[[Bytes, int, int, int], Any]] = {
    **{0xC0: _list8, 0xD0: _list32, 0xC1: _map8, 0xD1: _map32, 0xE0: _array8, 0xF0: _array32},
}

_OPAQUE: dict[int, Callable[[bytes], Any]] = {
    **dict.fromkeys((0x73, 0x74, 0x84, 0x94), bytes),
    0x98: lambda raw: UUID(bytes=raw),
}
