"""The log of the events that could not be joined, as JSON lines, each with the reason."""

import msgspec

from shared.joined_log.joined_lines import timestamp


class Kept(msgspec.Struct, gc=False):
    """One line. reason: the count of `checkpoint.Counts` that it is in; at: its enqueued time; event: as it was."""

    reason: str
    at: str
    event: str


class _Named(msgspec.Struct):
    id: str


_kept, _named = msgspec.json.Decoder(Kept), msgspec.json.Decoder(_Named)


def encode(reason: str, at: int, event: bytes) -> bytes:
    """The line of an event, enqueued at `at` (ms since 1970)."""
    return msgspec.json.encode(Kept(reason, timestamp(at), event.decode(errors="replace").rstrip("\n"))) + b"\n"


def decode(line: bytes) -> Kept:
    return _kept.decode(line)


def id_of(line: bytes) -> str | None:
    """The id of the event in a line; None if it cannot be read."""
    try:
        return _named.decode(decode(line).event).id
    except msgspec.DecodeError:
        return None
