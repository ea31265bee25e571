"""A blocking AMQP client on a bare socket, for what the SDK does not let a test do."""

import socket
from typing import Any

from local.eventhubs.codec import frames, messages
from local.eventhubs.codec.decode import Bytes, Described, decode
from local.eventhubs.codec.encode import FALSE, NULL, TRUE, binary, described, mapping, sequence, string, symbol, uint
from local.eventhubs.codec.frames import AMQP_HEADER, SASL_HEADER, Performative
from local.eventhubs.codec.messages import BATCH_FORMAT, DATA

ACCEPTED, REJECTED = 0x24, 0x25


def data(body: bytes) -> bytes:
    """A message with one data section."""
    return described(DATA, binary(body))


def framed(body: bytes) -> bytes:
    """`body` as a frame of channel 1."""
    return (len(body) + 8).to_bytes(4, "big") + b"\x02\x00\x00\x01" + body


def body(message: Bytes) -> bytes:
    """The first data section of a message."""
    return next(decode(message, start)[0] for code, start, _ in messages.sections(message) if code == DATA)


class RawClient:
    def __init__(self, port: int, sasl: bool = True) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._received = b""
        if sasl:
            self.send(SASL_HEADER + frames.frame(0, frames.SASL_INIT, symbol("ANONYMOUS"), NULL, NULL, kind=1))
            assert self.take(8) == SASL_HEADER
            assert self.read().code == frames.SASL_MECHANISMS
            assert self.read().fields[0] == 0

    def open(self, max_frame: int = 1 << 20, window: int = 65536, idle: bytes = NULL) -> None:
        self.send(AMQP_HEADER + frames.frame(0, frames.OPEN, string("raw"), NULL, uint(max_frame), NULL, idle))
        self.send(frames.frame(1, frames.BEGIN, NULL, uint(0), uint(window), uint(65536)))
        assert self.take(8) == AMQP_HEADER
        self.read(frames.OPEN)
        self.read(frames.BEGIN)

    def attach(self, handle: int, source: str, target: str, receiver: bool, *filters: bytes) -> Performative:
        chosen = mapping(*filters) if filters else NULL
        from_ = described(frames.SOURCE, sequence(string(source), *[NULL] * 6, chosen))
        to = described(frames.TARGET, sequence(string(target)))
        role = TRUE if receiver else FALSE
        self.send(frames.frame(1, frames.ATTACH, string(f"link{handle}"), uint(handle), role, NULL, NULL, from_, to))
        return self.read(frames.ATTACH)

    def attach_producer(self, target: str, handle: int = 1) -> None:
        self.attach(handle, "here", target, False)
        self.read(frames.FLOW)

    def attach_consumer(self, source: str, credit: int, selector: str = "", window: int = 65536) -> None:
        key = "apache.org:selector-filter:string"
        filters = (symbol(key), b"\x00" + symbol(key) + string(selector)) if selector else ()
        self.attach(2, source, "here", True, *filters)
        self.flow(2, credit, window=window)

    def fill(self, target: str, count: int, filler: bytes = b"") -> None:
        """Attach a producer and send `count` events, the number of each in front of `filler`, in batches."""
        self.attach_producer(target)
        size = max(min(900_000 // (len(filler) + 30), 5000), 1)
        for start in range(0, count, size):
            numbers = range(start, min(start + size, count))
            batch = b"".join(described(DATA, binary(data(b"%d " % number + filler))) for number in numbers)
            self.transfer(start, batch, BATCH_FORMAT)
            assert self.outcome().descriptor == ACCEPTED

    def flow(self, handle: int, credit: int, count: int = 0, next_incoming: int = 0, window: int = 65536) -> None:
        session = (uint(next_incoming), uint(window), uint(0), uint(65536))
        self.send(frames.frame(1, frames.FLOW, *session, uint(handle), uint(count), uint(credit)))

    def transfer(
        self, delivery: int, payload: bytes, message_format: int = 0, handle: int = 1, more: bool = False
    ) -> None:
        fields = (uint(handle), uint(delivery), binary(b"t"), uint(message_format), FALSE, TRUE if more else FALSE)
        self.send_frame(described(frames.TRANSFER, sequence(*fields)) + payload)

    def send_frame(self, body: bytes) -> None:
        self.send(framed(body))

    def outcome(self) -> Any:
        """The state of the next disposition: its descriptor and fields."""
        state = self.read(frames.DISPOSITION).fields[4]
        assert isinstance(state, Described)
        return state

    def read(self, code: int | None = None) -> Performative:
        """The next frame; with `code`, the next of that kind, others are skipped."""
        while True:
            size = int.from_bytes(self.take(4), "big")
            rest = self.take(size - 4)
            body = memoryview(rest)[4 * rest[0] - 4 :]
            if not body:
                continue
            found = frames.performative(int.from_bytes(rest[2:4], "big"), body)
            if code is None or found.code == code:
                return found
            assert found.code not in (frames.CLOSE, frames.DETACH), (found.fields[0], found.fields[2])

    def take(self, size: int) -> bytes:
        while len(self._received) < size:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ConnectionError("the server has closed the connection")
            self._received += chunk
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
