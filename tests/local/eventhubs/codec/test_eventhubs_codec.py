"""The AMQP codec: what it writes it reads, and no bytes whatever get past its limits."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.eventhubs.codec import encode, frames, messages
from local.eventhubs.codec.decode import MAX_DEPTH, Described, decode, skip
from local.eventhubs.codec.errors import AmqpError

SCALARS = st.one_of(
    st.just((None, encode.NULL)),
    st.booleans().map(lambda value: (value, encode.boolean(value))),
    st.integers(0, 255).map(lambda value: (value, encode.ubyte(value))),
    st.integers(0, 2**16 - 1).map(lambda value: (value, encode.ushort(value))),
    st.integers(0, 2**32 - 1).map(lambda value: (value, encode.uint(value))),
    st.integers(0, 2**64 - 1).map(lambda value: (value, encode.ulong(value))),
    st.integers(-(2**31), 2**31 - 1).map(lambda value: (value, encode.int32(value))),
    st.integers(-(2**63), 2**63 - 1).map(lambda value: (value, encode.long(value))),
    st.integers(-(2**63), 2**63 - 1).map(lambda value: (value, encode.timestamp(value))),
    st.binary(max_size=600).map(lambda value: (value, encode.binary(value))),
    st.text(max_size=300).map(lambda value: (value, encode.string(value))),
    st.uuids().map(lambda value: (value, b"\x98" + value.bytes)),
    st.lists(st.text(st.characters(codec="ascii"), max_size=9)).map(lambda values: (values, encode.symbols(values))),
    st.lists(st.text(max_size=9)).map(lambda values: (values, encode.strings(values))),
)
KEYED = st.dictionaries(st.text(max_size=9), SCALARS, max_size=5)


def listed(items: list[tuple[object, bytes]]) -> tuple[object, bytes]:
    return [value for value, _ in items], encode.sequence(*(raw for _, raw in items))


def mapped(items: dict[str, tuple[object, bytes]]) -> tuple[object, bytes]:
    pairs = [part for key, (_, raw) in items.items() for part in (encode.string(key), raw)]
    return {key: value for key, (value, _) in items.items()}, encode.mapping(*pairs)


def described(item: tuple[object, bytes]) -> tuple[object, bytes]:
    return Described(7, item[0]), encode.described(7, item[1])


def wrapped(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(inner, max_size=6).map(listed) | inner.map(described)


VALUES = st.recursive(SCALARS | KEYED.map(mapped), wrapped, max_leaves=20)


@contextmanager
def refusal_allowed() -> Iterator[None]:
    try:
        yield
    except AmqpError as error:
        if error.condition != "amqp:decode-error":
            raise


@given(VALUES, st.binary(max_size=3), st.binary(max_size=3))
def test_every_value_is_read_as_it_was_written(value, before, behind):
    expected, raw = value
    data = before + raw + behind
    assert decode(data, len(before)) == (expected, len(before) + len(raw))
    assert decode(memoryview(data), len(before))[0] == expected
    assert skip(data, len(before)) == len(before) + len(raw)


@given(VALUES, st.integers(min_value=1))
def test_a_truncated_value_is_refused(value, cut):
    _, raw = value
    with pytest.raises(AmqpError, match="malformed"):
        decode(raw[: -(cut % len(raw)) or -1])


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_within_their_bounds_or_refused(data):
    with refusal_allowed():
        _, end = decode(data)
        assert 0 < end <= len(data)
        assert skip(data, 0) == end


@given(VALUES, st.data())
def test_a_damaged_value_is_read_within_its_bounds_or_refused(value, data):
    raw = bytearray(value[1])
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with refusal_allowed():
        assert decode(raw)[1] <= len(raw)


BOMBS = {
    "nested lists": b"\xc0\xff\x01" * 5000 + b"\x40",
    "nested descriptors": b"\x00" * 100_000,
    "nested described arrays": b"\xe0\xff\xff" + b"\x00\x53\x01" * 5000,
    "list of four billion": b"\xd0\xff\xff\xff\xff\xff\xff\xff\xff",
    "list with more items than bytes": b"\xd0\x00\x00\x00\x08\x10\x00\x00\x00\x40\x40\x40\x40",
    "array of four billion nulls": b"\xf0\x00\x00\x00\x05\xff\xff\xff\xff\x40",
    "array of four billion empty lists": b"\xf0\x00\x00\x00\x05\xff\xff\xff\xff\x45",
    "string longer than its frame": b"\xb1\xff\xff\xff\xff" + b"x" * 100,
    "string that is not UTF-8": b"\xa1\x02\xff\xff",
    "map with a list as key": b"\xc1\x03\x02\x45\x40",
    "map with an odd count": b"\xc1\x02\x01\x40",
    "unknown constructor": b"\x9f" * 20,
    "nothing": b"",
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused(data):
    with pytest.raises(AmqpError):
        decode(data)


def nested(depth: int) -> bytes:
    value = encode.NULL
    for _ in range(depth):
        value = encode.sequence(value)
    return value


def test_nesting_is_allowed_up_to_the_limit():
    decode(nested(MAX_DEPTH))
    with pytest.raises(AmqpError, match=f"deeper than {MAX_DEPTH}"):
        decode(nested(MAX_DEPTH + 1))


def test_rare_types_are_read():
    assert decode(b"\x72" + struct.pack(">f", 1.5))[0] == 1.5
    assert decode(b"\x82" + struct.pack(">d", -2.25))[0] == -2.25
    assert decode(b"\x98" + bytes(16))[0] == UUID(int=0)
    assert decode(b"\x94" + bytes(16))[0] == bytes(16)
    assert decode(b"\xe0\x07\x02\x00\x53\x07\x50\x09\x08")[0] == [Described(7, 9), Described(7, 8)]
    assert decode(b"\xe0\x02\x03\x40")[0] == [None, None, None]


@given(st.binary(max_size=300))
def test_arbitrary_messages_are_events_or_refused(data):
    for message_format in (messages.SINGLE_FORMAT, messages.BATCH_FORMAT):
        with refusal_allowed():
            assert messages.events(message_format, data)


@given(st.binary(max_size=100))
def test_arbitrary_frames_are_performatives_or_refused(data):
    with refusal_allowed():
        frames.performative(0, memoryview(data))


@pytest.mark.parametrize(("size", "offset"), [(2**20 + 1, 2), (2**32 - 1, 2), (7, 2), (100, 1), (100, 26)])
def test_frames_of_impossible_size_are_refused(size, offset):
    with pytest.raises(AmqpError, match="frame"):
        frames.frame_size(struct.pack(">IBBH", size, offset, 0, 0))


def test_a_transfer_has_every_field():
    head = frames.transfer_head(3, 1, 70_000, 5, more=False)
    read = frames.performative(3, memoryview(head)[8:])
    assert int.from_bytes(head[:4], "big") == len(head) + 5
    assert [read.fields[index] for index in range(11)] == [
        *(1, 70_000, (70_000 & 0xFFFF).to_bytes(4, "big"), 0, True, False, None, None, False, False, False)
    ]
