"""The log of the events that could not be joined, as JSON lines, each with the reason."""

import msgspec

from shared.hubs.events import key_of
from shared.joined_log.joined_lines import timestamp


class Kept(msgspec.Struct, gc=False, omit_defaults=True):
    """One line. reason: the count of `counts.Counts` that it is in; at: its enqueued time; event: as it was.

    why: what of an unreadable one could not be read.
    """

    reason: str
    at: str
    event: str
    why: str = ""


class _Named(msgspec.Struct):
    id: str


_kept, _named = msgspec.json.Decoder(Kept), msgspec.json.Decoder(_Named)


def encode(reason: str, at: int, event: bytes, why: str = "") -> bytes:
    """The line of an event, enqueued at `at` (ms since 1970)."""
    return msgspec.json.encode(Kept(reason, timestamp(at), _text(event), why)) + b"\n"


def decode(line: bytes) -> Kept:
    return _kept.decode(line)


def id_of(line: bytes) -> str | None:
    """The id of the event in a line; None if it cannot be read."""
    try:
        return id_in(decode(line).event)
    except msgspec.DecodeError:
        return None


def key_of_unreadable(event: bytes) -> int | None:
    """The key under which an event that is of no known kind is found, if it has an id all the same."""
    event_id = id_in(_text(event))
    return None if event_id is None else key_of(event_id)


def _text(event: bytes) -> str:
    return event.decode(errors="replace").rstrip("\n")


def id_in(event: str) -> str | None:
    """The id of an event as it was; None if it cannot be read."""
    try:
        return _named.decode(event).id
    except msgspec.DecodeError:
        return None
