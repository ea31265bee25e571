"""Reading FlatBuffers from strangers: every offset is checked, and what is read in all is bounded.

The format (https://flatbuffers.dev/internals): little-endian; a table starts with the signed distance back to its
vtable, which has its own length, the table's, and for each field its place in the table or 0 for absent. Whatever
has no fixed size is behind an unsigned distance forward; vectors and strings start with their count.
"""

from __future__ import annotations

import struct

_SIZES = {"B": 1, "H": 2, "i": 4, "I": 4, "f": 4, "Q": 8}  # by format, as in `struct`
_OFFSET_BYTES = _SIZES["I"]


class Malformed(ValueError):
    """The bytes are not what they should be."""


class Overlapping(Malformed):
    """Its parts share bytes: it would be read over and over."""


class Allowance:
    """How many bytes may still be read. Offsets may overlap, so a few bytes could pretend to be very many."""

    def __init__(self, size: int) -> None:
        self._left = size

    def spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise Overlapping("its parts overlap")


class Table:
    """One table of a buffer. Fields go by number, in the schema's order; absent ones have their default."""

    def __init__(self, data: memoryview, position: int, allowance: Allowance) -> None:
        self._data, self._position, self._allowance = data, position, allowance
        allowance.spend(_OFFSET_BYTES)
        self._vtable = position - int(self._scalar("i", position))
        self._fields = (int(self._scalar("H", self._vtable)) - 4) // 2

    def integer(self, field: int, layout: str) -> int:
        """An integer field, 0 by default; layout: its format as in `struct`."""
        place = self._place(field)
        return int(self._scalar(layout, place)) if place else 0

    def number(self, field: int) -> float:
        """A `float` field, 0 by default."""
        place = self._place(field)
        return self._scalar("f", place) if place else 0.0

    def table(self, field: int) -> Table | None:
        place = self._place(field)
        return Table(self._data, self._follow(place), self._allowance) if place else None

    def tables(self, field: int) -> list[Table]:
        start, count = self._vector(field, _OFFSET_BYTES)
        places = range(start, start + count * _OFFSET_BYTES, _OFFSET_BYTES)
        return [Table(self._data, self._follow(place), self._allowance) for place in places]

    def octets(self, field: int) -> memoryview:
        """A vector of bytes."""
        start, count = self._vector(field, 1)
        return self._data[start : start + count]

    def text(self, field: int) -> str | None:
        place = self._place(field)
        return self._text(place) if place else None

    def texts(self, field: int) -> list[str]:
        start, count = self._vector(field, _OFFSET_BYTES)
        return [self._text(start + number * _OFFSET_BYTES) for number in range(count)]

    def integers(self, field: int, layout: str) -> list[int]:
        """A vector of integers; layout: their format as in `struct`."""
        return [int(one) for one in self._scalars(field, layout)]

    def numbers(self, field: int) -> list[float]:
        """A vector of `float`."""
        return list(self._scalars(field, "f"))

    def _scalars(self, field: int, layout: str) -> tuple[float, ...]:
        start, count = self._vector(field, _SIZES[layout])
        return struct.unpack_from(f"<{count}{layout}", self._data, start)

    def _place(self, field: int) -> int:
        """Where a field is, 0 if it is absent."""
        offset = int(self._scalar("H", self._vtable + 4 + 2 * field)) if field < self._fields else 0
        return self._position + offset if offset else 0

    def _vector(self, field: int, size: int) -> tuple[int, int]:
        place = self._place(field)
        return self._elements(place, size) if place else (0, 0)

    def _elements(self, place: int, size: int) -> tuple[int, int]:
        """Where the elements start, which are so many bytes long, and how many there are."""
        start = self._follow(place)
        count = int(self._scalar("I", start))
        start += _OFFSET_BYTES
        if count * size > len(self._data) - start:
            raise Malformed("a vector reaches beyond its end")
        self._allowance.spend(count * size)
        return start, count

    def _text(self, place: int) -> str:
        start, count = self._elements(place, 1)
        try:
            return str(self._data[start : start + count], "utf-8")
        except UnicodeDecodeError:
            raise Malformed("a text is not UTF-8") from None

    def _follow(self, place: int) -> int:
        return place + int(self._scalar("I", place))

    def _scalar(self, layout: str, position: int) -> float:
        if not 0 <= position <= len(self._data) - _SIZES[layout]:
            raise Malformed("an offset leads out of it")
        value: float = struct.unpack_from(f"<{layout}", self._data, position)[0]
        return value


def root(data: memoryview, allowance: Allowance) -> Table:
    """The root table of a buffer; Malformed, from here or any reading of it, if it is none."""
    if len(data) < _OFFSET_BYTES:
        raise Malformed("it is too short")
    return Table(data, struct.unpack_from("<I", data)[0], allowance)
