"""The link of a producer: its deliveries become events of one partition, acknowledged when durable."""

from functools import partial

from .codec import messages
from .hub import Hub
from .links import Incoming, Session
from .partition import Partition


class Producer(Incoming):
    def __init__(self, session: Session, handle: int, hub: Hub, partition: Partition | None) -> None:
        super().__init__(session, handle)
        self._hub = hub
        self._partition = partition

    def deliver(self, delivery: int | None, message_format: int, payload: bytes) -> None:
        events = messages.events(message_format, payload)
        partition = self._partition or self._hub.partition_for(events[0].partition_key)
        partition.append(events, len(payload), partial(self.settle, delivery))
        self.session.hold_for(partition)
