"""Link addresses: bare names or the path of a URI, compared without case."""

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from .codec import errors
from .codec.errors import AmqpError

CBS, MANAGEMENT = "$cbs", "$management"
_PATH = re.compile(
    r"(?P<hub>[^/]+)(?:/consumergroups/(?P<group>[^/]+))?(?:/partitions/(?P<partition>[^/]+))?", re.IGNORECASE
)


class Address(NamedTuple):
    hub: str
    group: str | None
    partition: str | None


def path(address: str) -> str:
    """The path of an address, for example `events/Partitions/0` of `amqps://host:5672/events/Partitions/0`."""
    try:
        parts = urlsplit(address)
        return unquote(parts.path if parts.netloc else address).strip("/")
    except ValueError:
        raise _unknown(address) from None


def parse(address: str) -> Address:
    match = _PATH.fullmatch(path(address))
    if not match:
        raise _unknown(address)
    return Address(**match.groupdict())


def _unknown(address: str) -> AmqpError:
    text = f"there is nothing at {address:.200}: use HUB, HUB/Partitions/N, or HUB/ConsumerGroups/GROUP/Partitions/N"
    return AmqpError(errors.NOT_FOUND, text)
