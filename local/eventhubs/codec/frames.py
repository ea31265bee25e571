"""AMQP 1.0 frames and performatives (OASIS AMQP 1.0 part 2, section 2.7; part 5, section 5.3).

Every field of a performative is always written: azure-eventhub up to 5.15.1 reads fields by position and fails when
trailing nulls are left out.
"""

import struct
from typing import Any, NamedTuple

from . import encode, errors
from .decode import Bytes, Described, decode, malformed
from .encode import EMPTY_LIST, FALSE, NULL, TRUE, described, sequence, string, symbol, uint, ushort
from .errors import AmqpError

OPEN, BEGIN, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH, END, CLOSE = range(0x10, 0x19)
SASL_MECHANISMS, SASL_INIT, SASL_CHALLENGE, SASL_RESPONSE, SASL_OUTCOME = range(0x40, 0x45)
SOURCE, TARGET, ERROR = 0x28, 0x29, 0x1D
ACCEPTED = described(0x24, EMPTY_LIST)

AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
EMPTY_FRAME = b"\x00\x00\x00\x08\x02\x00\x00\x00"

MAX_FRAME = 1 << 20
MAX_MESSAGE = 1 << 20
"""Bytes of one delivery, and so of one batch."""
INCOMING_WINDOW = 0x7FFFFFFF
OUTGOING_WINDOW = 0xFFFF
MAX_HANDLE = 255
MAX_CHANNEL = 255

_FRAME = struct.Struct(">IBBH")
_TRANSFER = struct.Struct(">IBBH4sBBBIBIBBI8s")
TRANSFER_SIZE = _TRANSFER.size
"""Bytes of a TRANSFER frame around its payload."""
_TRANSFER_FIELDS = TRANSFER_SIZE - 8 - 5


class Fields:
    """The fields of a received performative; absent ones are None, those of a wrong type a decode error."""

    def __init__(self, values: Any) -> None:
        if not isinstance(values, list):
            raise malformed("a performative is not a list")
        self._values = values

    def __getitem__(self, index: int) -> Any:
        return self._values[index] if index < len(self._values) else None

    def number(self, index: int, default: int | None = None) -> int:
        value = self[index]
        if value is None and default is not None:
            return default
        if type(value) is not int or not 0 <= value <= 0xFFFFFFFF:
            raise malformed(f"field {index} is no unsigned integer: {value!r:.40}")
        return value

    def flag(self, index: int) -> bool:
        return self[index] is True

    def text(self, index: int) -> str:
        value = self[index]
        if not isinstance(value, str):
            raise malformed(f"field {index} is no string: {value!r:.40}")
        return value

    def composite(self, index: int) -> "Fields":
        """The fields of a described list such as a source; none of them if it is absent."""
        value = self[index]
        return Fields(value.value if isinstance(value, Described) else [])


class Performative(NamedTuple):
    channel: int
    code: int
    fields: Fields
    payload: memoryview


def performative(channel: int, body: memoryview) -> Performative:
    """Decode a frame's body. Raises AmqpError."""
    value, end = decode(body)
    if not isinstance(value, Described) or not isinstance(value.descriptor, int):
        raise malformed("a frame without performative")
    return Performative(channel, value.descriptor, Fields(value.value), body[end:])


def frame_size(data: Bytes) -> int:
    """Size of the frame whose first 8 bytes are in `data`. Raises AmqpError if it cannot be one."""
    size, offset, _, _ = _FRAME.unpack_from(data)
    if size > MAX_FRAME:
        raise AmqpError(errors.FRAMING, f"a frame of {size} bytes: at most {MAX_FRAME} are allowed")
    if offset < 2 or size < 4 * offset:
        raise AmqpError(errors.FRAMING, "a frame smaller than its header")
    return int(size)


def frame(channel: int, code: int, *fields: bytes, kind: int = 0) -> bytes:
    body = described(code, sequence(*fields))
    return _FRAME.pack(8 + len(body), 2, kind, channel) + body


def open_frame(container: str) -> bytes:
    limits = (uint(MAX_FRAME), ushort(MAX_CHANNEL))
    return frame(0, OPEN, string(container), NULL, *limits, NULL, NULL, NULL, NULL, NULL, NULL)


def begin(channel: int, remote: int) -> bytes:
    windows = (uint(0), uint(INCOMING_WINDOW), uint(OUTGOING_WINDOW))
    return frame(channel, BEGIN, ushort(remote), *windows, uint(MAX_HANDLE), NULL, NULL, NULL)


def attach(channel: int, handle: int, received: Fields) -> bytes:
    """The answer to a received ATTACH: same name and modes, inverse role, same addresses."""
    was_receiver = received.flag(2)
    modes = (encode.ubyte(received.number(3, 2) & 0xFF), encode.ubyte(received.number(4, 0) & 0xFF))
    source = described(SOURCE, sequence(_address(received.composite(5)), uint(0), *[NULL] * 9))
    target = described(TARGET, sequence(_address(received.composite(6)), uint(0), *[NULL] * 5))
    count, largest = uint(0) if was_receiver else NULL, encode.ulong(MAX_MESSAGE)
    head = (string(received.text(0)), uint(handle), encode.boolean(not was_receiver), *modes)
    return frame(channel, ATTACH, *head, source, target, NULL, FALSE, count, largest, NULL, NULL, NULL)


def flow(channel: int, incoming: int, outgoing: int, handle: int | None, count: int, credit: int, drain: bool) -> bytes:
    session = (uint(incoming), uint(INCOMING_WINDOW), uint(outgoing), uint(OUTGOING_WINDOW))
    link = (NULL, NULL, NULL) if handle is None else (uint(handle), uint(count), uint(credit))
    return frame(channel, FLOW, *session, *link, NULL, encode.boolean(drain), FALSE, NULL)


def transfer_head(channel: int, handle: int, delivery: int, size: int, more: bool) -> bytes:
    """All of a settled TRANSFER but its payload of `size` bytes.

    Tags come from a space of 65536: clients keep every tag they have seen on a link.
    """
    rest = b"\x43\x41" + encode.boolean(more) + b"\x40\x40\x42\x42\x42"
    ids = (0x70, handle, 0x70, delivery, 0xA0, 4, delivery & 0xFFFF)
    return _TRANSFER.pack(TRANSFER_SIZE + size, 2, 0, channel, b"\0\x53\x14\xc0", _TRANSFER_FIELDS, 11, *ids, rest)


def accepted(channel: int, delivery: int) -> bytes:
    return frame(channel, DISPOSITION, TRUE, uint(delivery), uint(delivery), TRUE, ACCEPTED, FALSE)


def rejected(channel: int, delivery: int, error: AmqpError) -> bytes:
    state = described(0x25, sequence(_error(error)))
    return frame(channel, DISPOSITION, TRUE, uint(delivery), uint(delivery), TRUE, state, FALSE)


def detach(channel: int, handle: int, error: AmqpError | None = None) -> bytes:
    return frame(channel, DETACH, uint(handle), TRUE, _error(error))


def end(channel: int, error: AmqpError | None = None) -> bytes:
    return frame(channel, END, _error(error))


def close(error: AmqpError | None = None) -> bytes:
    return frame(0, CLOSE, _error(error))


def sasl_mechanisms(*names: str) -> bytes:
    return frame(0, SASL_MECHANISMS, encode.symbols(names), kind=1)


def sasl_outcome(code: int) -> bytes:
    return frame(0, SASL_OUTCOME, encode.ubyte(code), NULL, kind=1)


def _error(error: AmqpError | None) -> bytes:
    if error is None:
        return NULL
    return described(ERROR, sequence(symbol(error.condition), string(error.description), NULL))


def _address(terminus: Fields) -> bytes:
    address = terminus[0]
    return string(address) if isinstance(address, str) else NULL
