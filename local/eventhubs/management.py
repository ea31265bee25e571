"""$management: properties of event hubs and partitions."""

from collections.abc import Callable

from .codec import errors
from .codec.encode import boolean, int32, long, mapping, string, strings, timestamp
from .codec.errors import AmqpError
from .hub import Hub, Namespace
from .partition import Partition
from .requests import Reply, Request

HUB_TYPE, PARTITION_TYPE = "com.microsoft:eventhub", "com.microsoft:partition"
_STATUS = {errors.NOT_FOUND: 404, errors.UNAUTHORIZED: 401}


def read(namespace: Namespace, authorize: Callable[[str], None], request: Request, reply: Reply) -> None:
    """Answer a READ request.

    The properties of a partition include every event stamped before the request came: the reply waits for the disk,
    and events that come later get a later time.
    """
    try:
        operation, kind = request.text("operation"), request.text("type")
        if operation != "READ" or kind not in (HUB_TYPE, PARTITION_TYPE):
            raise AmqpError(errors.NOT_ALLOWED, f"{operation} of {kind}: only READ of {HUB_TYPE} or {PARTITION_TYPE}")
        hub = namespace.hub(request.text("name"))
        authorize(hub.name)
        if kind == HUB_TYPE:
            return reply(request.reply(200, "OK", _hub_properties(hub)))
        partition = hub.partition(request.text("partition"))
    except AmqpError as error:
        return reply(request.reply(_STATUS.get(error.condition, 400), error.description))
    return partition.barrier(lambda: reply(request.reply(200, "OK", _partition_properties(hub, partition))))


def _hub_properties(hub: Hub) -> bytes:
    return mapping(
        *(string("name"), string(hub.name)),
        *(string("type"), string(HUB_TYPE)),
        *(string("created_at"), timestamp(hub.created_at)),
        *(string("partition_count"), int32(len(hub.partitions))),
        *(string("partition_ids"), strings(hub.partitions)),
    )


def _partition_properties(hub: Hub, partition: Partition) -> bytes:
    log = partition.log
    last, first = log.head.last, log.first_sequence
    is_empty = first > last.sequence
    return mapping(
        *(string("name"), string(hub.name)),
        *(string("type"), string(PARTITION_TYPE)),
        *(string("partition"), string(partition.name)),
        *(string("begin_sequence_number"), long(-1 if last.sequence < 0 else first)),
        *(string("last_enqueued_sequence_number"), long(last.sequence)),
        *(string("last_enqueued_offset"), string(str(last.offset))),
        *(string("last_enqueued_time_utc"), timestamp(last.enqueued)),
        *(string("is_partition_empty"), boolean(is_empty)),
    )
