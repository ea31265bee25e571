"""The link of a consumer: durable events from a position on, as fast as credit, window and socket allow."""

import time

from .codec import encode, errors, frames
from .codec.errors import AmqpError
from .codec.messages import with_delivery_annotations
from .disk.cursor import Cursor, Start
from .links import Outgoing, Session
from .partition import Partition

_MAX_EVENTS = 1024


class Consumer(Outgoing):
    def __init__(
        self,
        session: Session,
        handle: int,
        partition: Partition,
        start: Start,
        group: str = "$Default",
        epoch: int | None = None,
        metrics: bool = False,
    ) -> None:
        """Takes its place in the consumer group. Raises AmqpError if that is refused."""
        super().__init__(session, handle)
        self.epoch = epoch
        self._partition = partition
        self._group = group
        self._metrics = metrics
        self._start = start
        self._cursor: Cursor | None = None
        self._attached = True
        self._goes_on = False
        partition.admit(group, self)

    def pump(self) -> None:
        """Send some events now and, if there were any, look for more when the loop has looked after others."""
        if not self._attached or self._goes_on or not self.credit or not self.session.clear_to_send():
            return
        try:
            self._goes_on = self._send_some()
        except OSError as error:
            self.refuse(AmqpError(errors.INTERNAL, f"the events cannot be read: {error}"))
            return
        if self._goes_on:
            self.session.later(self._go_on)
        else:
            self._partition.wait(self)
            self.drained()

    def _go_on(self) -> None:
        self._goes_on = False
        self.pump()

    def _send_some(self) -> bool:
        """False if there is nothing to send."""
        self._cursor = self._cursor or Cursor(self._partition.log, self._start)
        found = self._cursor.read(min(self.credit, _MAX_EVENTS))
        annotations = self._annotations() if found and self._metrics else None
        for record in found:
            message = record.message
            self.transfer(with_delivery_annotations(message, annotations) if annotations else message)
        self.session.flush()
        return bool(found)

    def refuse(self, error: AmqpError) -> None:
        self.session.send(frames.detach(self.session.channel, self.handle, error))
        self.session.forget(self.handle)

    def close(self) -> None:
        self._attached = False
        self._partition.leave(self._group, self)
        if self._cursor:
            self._cursor.close()
            self._cursor = None

    def _annotations(self) -> bytes:
        """The runtime metrics of the partition."""
        last = self._partition.log.head.last
        return encode.mapping(
            *(encode.symbol("last_enqueued_sequence_number"), encode.long(last.sequence)),
            *(encode.symbol("last_enqueued_offset"), encode.string(str(last.offset))),
            *(encode.symbol("last_enqueued_time_utc"), encode.timestamp(last.enqueued)),
            *(encode.symbol("runtime_info_retrieval_time_utc"), encode.timestamp(time.time_ns() // 1_000_000)),
        )
