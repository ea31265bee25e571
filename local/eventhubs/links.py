"""What all links have in common: assembling incoming deliveries, counting outgoing credit."""

from collections.abc import Callable
from typing import Protocol

from .codec import errors, frames
from .codec.errors import AmqpError
from .codec.frames import MAX_MESSAGE, Fields
from .partition import Partition

CREDIT = 1000
"""Deliveries a producer may have sent ahead; renewed when half are used."""


class Session(Protocol):
    """What a link asks of its session."""

    channel: int

    def send(self, data: bytes) -> None:
        """Send a frame."""

    def send_flow(self, handle: int | None = None, count: int = 0, credit: int = 0, drain: bool = False) -> None:
        """Send a FLOW frame: the session's windows and, with a handle, the credit of that link."""

    def clear_to_send(self) -> bool:
        """False while the peer's window or the socket takes no more deliveries."""

    def transfer(self, handle: int, message: bytes | memoryview) -> None:
        """Send a delivery."""

    def flush(self) -> None:
        """Write now what was sent in this turn of the loop."""

    def later(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the next turn of the loop."""

    def hold_for(self, partition: Partition) -> None:
        """Stop reading from the peer while too much waits for the disk of `partition`."""

    def reply(self, node: str, message: bytes) -> None:
        """Send `message` on the reply link from `node`, if the peer has attached one."""

    def forget(self, handle: int) -> None:
        """Close a link and take it out of the session."""


class Link(Protocol):
    def on_flow(self, fields: Fields) -> None:
        """The peer's view of the link changed."""

    def on_transfer(self, fields: Fields, payload: memoryview) -> None:
        """A frame of a delivery arrived."""

    def pump(self) -> None:
        """Send what can be sent."""

    def close(self) -> None:
        """The link is gone; nothing can be sent on it."""


class Incoming:
    """A link on which the peer sends: frames become whole deliveries of at most MAX_MESSAGE bytes."""

    def __init__(self, session: Session, handle: int) -> None:
        self.session = session
        self.handle = handle
        self._first: Fields | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._count = 0

    def grant_credit(self) -> None:
        self.session.send_flow(self.handle, self._count, CREDIT)

    def on_flow(self, fields: Fields) -> None:
        if fields.flag(9):
            self.grant_credit()

    def on_transfer(self, fields: Fields, payload: memoryview) -> None:
        first = self._first = self._first or fields
        self._size += len(payload)
        if self._size <= MAX_MESSAGE:
            self._parts.append(bytes(payload))
        else:
            self._parts.clear()
        if fields.flag(5) and not fields.flag(9):
            return
        parts, size = self._parts, self._size
        self._first, self._parts, self._size = None, [], 0
        self._count = (self._count + 1) & 0xFFFFFFFF
        if self._count % (CREDIT // 2) == 0:
            self.grant_credit()
        if not fields.flag(9):
            settled = first.flag(4) or fields.flag(4)
            self._receive(None if settled else first.number(1), first.number(3, 0), parts, size)

    def _receive(self, delivery: int | None, message_format: int, parts: list[bytes], size: int) -> None:
        try:
            if size > MAX_MESSAGE:
                text = f"a message of {size} bytes: at most {MAX_MESSAGE} are allowed; send it in parts"
                raise AmqpError(errors.MESSAGE_TOO_LARGE, text)
            self.deliver(delivery, message_format, parts[0] if len(parts) == 1 else b"".join(parts))
        except AmqpError as error:
            self.settle(delivery, error)

    def settle(self, delivery: int | None, error: AmqpError | None) -> None:
        """Tell the peer what became of a delivery; None is one it does not want to hear of."""
        if delivery is None:
            return
        channel = self.session.channel
        self.session.send(frames.rejected(channel, delivery, error) if error else frames.accepted(channel, delivery))

    def deliver(self, delivery: int | None, message_format: int, payload: bytes) -> None:
        """A whole delivery. Raises AmqpError to reject it; otherwise it is settled later."""
        raise NotImplementedError

    def pump(self) -> None:
        """Nothing is sent on this link."""

    def close(self) -> None:
        """Deliveries already handed over are finished all the same."""


class Outgoing:
    """A link on which the peer receives, as many deliveries as it has given credit for."""

    def __init__(self, session: Session, handle: int) -> None:
        self.session = session
        self.handle = handle
        self.credit = 0
        self._count = 0
        self._drain = False

    def on_flow(self, fields: Fields) -> None:
        if fields[6] is not None:
            self.credit = (fields.number(5, 0) + fields.number(6) - self._count) & 0xFFFFFFFF
        self._drain = fields.flag(8)
        self.pump()
        if fields.flag(9) and not self._drain:
            self.session.send_flow(self.handle, self._count, self.credit)

    def on_transfer(self, fields: Fields, payload: memoryview) -> None:
        raise AmqpError(errors.ILLEGAL_STATE, "a transfer on a link that only receives")

    def transfer(self, message: bytes | memoryview) -> None:
        self.credit -= 1
        self._count = (self._count + 1) & 0xFFFFFFFF
        self.session.transfer(self.handle, message)

    def drained(self) -> None:
        """There is nothing to send now: give unused credit back if the peer asked for that."""
        if self._drain:
            self._drain = False
            self._count, self.credit = (self._count + self.credit) & 0xFFFFFFFF, 0
            self.session.send_flow(self.handle, self._count, 0, drain=True)

    def pump(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to give back."""
