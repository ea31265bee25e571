"""An AMQP session: a channel with its transfer windows and links."""

from collections import deque
from collections.abc import Callable, Hashable
from functools import partial
from typing import Protocol

from . import addresses, cbs, management, starts
from .codec import errors, frames
from .codec.errors import AmqpError
from .codec.frames import Fields, Performative
from .consumer import Consumer
from .hub import Namespace
from .links import Link
from .partition import Partition
from .producer import Producer
from .requests import Replies, Requests, Respond
from .sas import Grant, SasKey

_EPOCH = "com.microsoft:epoch"
_METRICS = "com.microsoft:enable-receiver-runtime-metric"


class Connection(Protocol):
    """What a session asks of its connection."""

    namespace: Namespace
    key: SasKey | None
    writable: bool
    """False while the peer is slow to take what was sent."""
    payload_size: int
    """The most bytes of a message in one frame."""

    def send(self, data: bytes | memoryview) -> None:
        """Send `data` with everything else that this turn of the loop brings."""

    def flush(self) -> None:
        """Write now what was sent in this turn of the loop."""

    def later(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the next turn of the loop."""

    def held_by(self, reason: Hashable) -> bool:
        """True from `hold` to `release` with this reason."""

    def hold(self, reason: Hashable) -> None:
        """Stop reading from the peer until `release`."""

    def release(self, reason: Hashable) -> None:
        """Read from the peer again, unless another reason holds."""

    def grant(self, grant: Grant) -> None:
        """Remember what a token allows."""

    def authorize(self, path: str) -> None:
        """Raises AmqpError unless a token for `path` has been put, or the server asks for none."""


class Session:
    def __init__(self, connection: Connection, channel: int, begun: Fields) -> None:
        self._connection = connection
        self.channel = channel
        self._next_incoming = begun.number(1)
        self._next_outgoing = 0
        self._next_delivery = 0
        self._window = begun.number(2)
        self._backlog: deque[tuple[bytes, bytes | memoryview]] = deque()
        self._links: dict[int, Link] = {}
        self.send(frames.begin(channel, channel))

    def handle(self, performative: Performative) -> None:
        fields = performative.fields
        if performative.code == frames.TRANSFER:
            self._next_incoming = (self._next_incoming + 1) & 0xFFFFFFFF
            self._link(fields).on_transfer(fields, performative.payload)
        elif performative.code == frames.FLOW:
            self._on_flow(fields)
        elif performative.code == frames.ATTACH:
            self._on_attach(fields)
        elif performative.code == frames.DETACH:
            self._on_detach(fields)

    def close(self) -> None:
        for handle in tuple(self._links):
            self.forget(handle)

    def forget(self, handle: int) -> None:
        self._links.pop(handle).close()

    def send(self, data: bytes) -> None:
        self._connection.send(data)

    def send_flow(self, handle: int | None = None, count: int = 0, credit: int = 0, drain: bool = False) -> None:
        self.send(frames.flow(self.channel, self._next_incoming, self._next_outgoing, handle, count, credit, drain))

    def clear_to_send(self) -> bool:
        return self._window > 0 and not self._backlog and self._connection.writable

    def transfer(self, handle: int, message: bytes | memoryview) -> None:
        """Send `message` in as many frames as the peer's frame size asks for and as soon as its window allows."""
        room = self._connection.payload_size
        delivery = self._next_delivery
        self._next_delivery = (delivery + 1) & 0xFFFFFFFF
        for start in range(0, len(message), room):
            piece = message[start : start + room]
            more = start + room < len(message)
            self._backlog.append((frames.transfer_head(self.channel, handle, delivery, len(piece), more), piece))
        self._send_backlog()

    def flush(self) -> None:
        self._connection.flush()

    def later(self, callback: Callable[[], None]) -> None:
        self._connection.later(callback)

    def hold_for(self, partition: Partition) -> None:
        connection = self._connection
        if not connection.held_by(partition) and not partition.when_writable(partial(connection.release, partition)):
            connection.hold(partition)

    def reply(self, node: str, message: bytes) -> None:
        links = (link for link in self._links.values() if isinstance(link, Replies) and link.node == node)
        if replies := next(links, None):
            replies.put(message)

    def pump(self) -> None:
        for link in tuple(self._links.values()):
            link.pump()

    def _send_backlog(self) -> None:
        while self._backlog and self._window > 0:
            head, piece = self._backlog.popleft()
            self._connection.send(head)
            self._connection.send(piece)
            self._window -= 1
            self._next_outgoing = (self._next_outgoing + 1) & 0xFFFFFFFF

    def _link(self, fields: Fields) -> Link:
        link = self._links.get(fields.number(0))
        if link is None:
            raise AmqpError(errors.UNATTACHED_HANDLE, f"no link has handle {fields.number(0)}")
        return link

    def _on_flow(self, fields: Fields) -> None:
        self._window = (fields.number(0, 0) + fields.number(1) - self._next_outgoing) & 0xFFFFFFFF
        self._send_backlog()
        if fields[4] is None:
            self.pump()
            if fields.flag(9):
                self.send_flow()
        elif fields.number(4) in self._links:
            self._links[fields.number(4)].on_flow(fields)

    def _on_detach(self, fields: Fields) -> None:
        handle = fields.number(0)
        if handle in self._links:
            self.forget(handle)
            self.send(frames.detach(self.channel, handle))

    def _on_attach(self, fields: Fields) -> None:
        handle = fields.number(1)
        if handle in self._links or handle > frames.MAX_HANDLE:
            raise AmqpError(errors.HANDLE_IN_USE, f"handle {handle} is in use or above {frames.MAX_HANDLE}")
        answer = frames.attach(self.channel, handle, fields)
        try:
            link = self._consumer_side(handle, fields) if fields.flag(2) else self._producer_side(handle, fields)
        except AmqpError as error:
            self.send(answer)
            self.send(frames.detach(self.channel, handle, error))
            return
        self._links[handle] = link
        self.send(answer)
        if isinstance(link, Producer | Requests):
            link.grant_credit()

    def _producer_side(self, handle: int, fields: Fields) -> Link:
        """A link on which the peer sends."""
        address = fields.composite(6)[0]
        node = addresses.path(address if isinstance(address, str) else "")
        if node.lower() in self._responders():
            return Requests(self, handle, node.lower(), self._responders()[node.lower()])
        target = addresses.parse(node)
        hub = self._connection.namespace.hub(target.hub)
        self._connection.authorize(node)
        return Producer(self, handle, hub, hub.partition(target.partition) if target.partition else None)

    def _consumer_side(self, handle: int, fields: Fields) -> Link:
        """A link on which the peer receives."""
        source = fields.composite(5)
        node = addresses.path(source[0] if isinstance(source[0], str) else "")
        if node.lower() in self._responders():
            return Replies(self, handle, node.lower())
        target = addresses.parse(node)
        hub = self._connection.namespace.hub(target.hub)
        self._connection.authorize(node)
        partition = hub.partition(target.partition or "(none given)")
        properties, wanted = fields[13], fields[12]
        epoch = properties.get(_EPOCH) if isinstance(properties, dict) else None
        metrics = wanted == _METRICS or (isinstance(wanted, list) and _METRICS in wanted)
        start = starts.start(source[7], partition.log)
        epoch = epoch if isinstance(epoch, int) else None
        return Consumer(self, handle, partition, start, target.group or "$Default", epoch, metrics)

    def _responders(self) -> dict[str, Respond]:
        connection = self._connection
        return {
            addresses.CBS: partial(cbs.put_token, connection.key, connection.grant),
            addresses.MANAGEMENT: partial(management.read, connection.namespace, connection.authorize),
        }
