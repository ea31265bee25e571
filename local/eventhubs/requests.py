"""Request and reply over a pair of links, as $cbs and $management work."""

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from .codec import errors, messages
from .codec.decode import decode, items, malformed, skip
from .codec.encode import NULL, described, int32, mapping, sequence, string
from .codec.errors import AmqpError
from .links import Incoming, Outgoing, Session

MAX_WAITING_REPLIES = 100


class Request(NamedTuple):
    message_id: bytes
    """As encoded: the reply repeats it in the same AMQP type."""
    properties: dict[Any, Any]
    value: Any

    def text(self, name: str) -> str:
        value = self.properties.get(name)
        if not isinstance(value, str):
            raise AmqpError(errors.NOT_ALLOWED, f"the request has no application property {name!r}")
        return value

    def reply(self, status: int, description: str, body: bytes | None = None) -> bytes:
        """`statusDescription` is where azure-eventhub 5.15.1 looks for the description."""
        fields = [NULL] * 13
        fields[5] = self.message_id
        status_fields = mapping(
            *(string("status-code"), int32(status)),
            *(string("status-description"), string(description)),
            *(string("statusDescription"), string(description)),
        )
        return (
            described(messages.PROPERTIES, sequence(*fields))
            + described(messages.APPLICATION_PROPERTIES, status_fields)
            + described(messages.VALUE, body or string(description))
        )


def parse(payload: bytes) -> Request:
    message_id, properties, value = NULL, {}, None
    for code, start, _ in messages.sections(payload):
        if code == messages.PROPERTIES:
            first, count, _ = items(payload, start)
            message_id = payload[first : skip(payload, first)] if count else NULL
        elif code == messages.APPLICATION_PROPERTIES:
            properties = decode(payload, start)[0]
        elif code == messages.VALUE:
            value = decode(payload, start)[0]
    return Request(message_id, properties, value)


Reply = Callable[[bytes], None]
Respond = Callable[[Request, Reply], None]


class Requests(Incoming):
    """Requests to `node`, answered on the session's reply link from the same node."""

    def __init__(self, session: Session, handle: int, node: str, respond: Respond) -> None:
        super().__init__(session, handle)
        self._node = node
        self._respond = respond

    def deliver(self, delivery: int | None, message_format: int, payload: bytes) -> None:
        if message_format != messages.SINGLE_FORMAT:
            raise malformed("a request is one message, not a batch")
        request = parse(payload)
        self._respond(request, self._reply)
        self.settle(delivery, None)

    def _reply(self, message: bytes) -> None:
        self.session.reply(self._node, message)


class Replies(Outgoing):
    def __init__(self, session: Session, handle: int, node: str) -> None:
        super().__init__(session, handle)
        self.node = node
        self._waiting: deque[bytes] = deque(maxlen=MAX_WAITING_REPLIES)

    def put(self, message: bytes) -> None:
        self._waiting.append(message)
        self.pump()

    def pump(self) -> None:
        while self._waiting and self.credit and self.session.clear_to_send():
            self.transfer(self._waiting.popleft())
        if not self._waiting:
            self.drained()
