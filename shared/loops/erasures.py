"""Erasures of a loop as they are stored: what was asked for, how far it is, and what is left where.

The selection and the id are stored as given until the work is done, then as digests. A marker beside the loops tells
trainers that there is something to do: one list of names a tick for all loops.
"""

import hashlib
from typing import Literal, NamedTuple

import msgspec

from shared.loops import stored, unreadable
from shared.loops.blob_names import Home, blob_name
from shared.storage import Storage

FORMAT = 1
MARKERS = "erasing/"
# waiting: not begun. erasing: what is meant is known, and goes. relearning: the model is learned anew.
State = Literal["waiting", "erasing", "relearning", "done", "refused", "failed"]
OPEN: tuple[State, ...] = ("waiting", "erasing", "relearning")


class Wanted(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One condition: an event's id, or a feature, its names parted by dots, and its value as text."""

    event_id: str | None = None
    feature: str | None = None
    value: str | None = None


class Matches(msgspec.Struct, frozen=True):
    """joined, late: lines of the log. pending: events that are still in the hubs. total: joined lines in all."""

    joined: int = 0
    late: int = 0
    pending: int = 0
    total: int = 0


class Erasure(msgspec.Struct, frozen=True):
    """asked, ended: ISO 8601. everything: it may mean all of the log. dry: it is only to be counted.

    selected: the digest of the selection. found: what was meant; at: when it was (ms since 1970); keys: names the blob
    of its keys, for two trainers may have looked at once. relearns: the model is learned anew. version: of the
    model before. left: what is left where, a sentence each. reason: why it has failed or was refused.
    """

    id: str
    wanted: list[Wanted]
    asked: str
    selected: str
    everything: bool = False
    dry: bool = False
    state: State = "waiting"
    found: Matches | None = None
    at: int = 0
    keys: str = ""
    relearns: bool = False
    version: str = ""
    left: list[str] = []
    reason: str = ""
    ended: str = ""
    v: int = FORMAT

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    def closed(self, state: State, at: str, reason: str = "") -> "Erasure":
        """Without what was asked for: digests stand for it."""
        return msgspec.structs.replace(self, id="", wanted=[], keys="", state=state, ended=at, reason=reason)


class Found(NamedTuple):
    """What is stored, and its ETag."""

    erasure: Erasure
    etag: str


_decoder = msgspec.json.Decoder(Erasure)


def digest(text: str) -> str:
    """What stands for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def selected(wanted: list[Wanted]) -> str:
    """The digest of a selection."""
    return digest(msgspec.json.encode(wanted).decode())


async def read(storage: Storage, home: Home, name: str) -> Found | None:
    """An erasure by the digest of its id; raises Damaged, LaterVersion."""
    found = await stored.read(storage, _name(home, name), _decode)
    return Found(found.value, found.etag) if found.value is not None and found.etag is not None else None


async def create(storage: Storage, home: Home, erasure: Erasure) -> None:
    """Stores a new one, then its marker; raises Conflict if there is one of its id."""
    name = digest(erasure.id)
    await storage.replace(_name(home, name), msgspec.json.encode(erasure), None)
    await mark(storage, home, name)


async def mark(storage: Storage, home: Home, name: str) -> None:
    """Has a trainer look at it."""
    await storage.put(marker(home, name), b"")


async def save(storage: Storage, home: Home, name: str, found: Found, changed: Erasure) -> Found:
    """Raises Conflict if somebody else has changed it since it was read."""
    return Found(changed, await storage.replace(_name(home, name), msgspec.json.encode(changed), found.etag))


async def is_any_open(storage: Storage, home: Home) -> bool:
    """True if an erasure of a loop waits or is in work."""
    for marked in await storage.names(marker(home, "")):
        found = await read(storage, home, marked.rpartition("/")[2])
        if found is not None and found.erasure.is_open:
            return True
    return False


def marker(home: Home, name: str) -> str:
    """The marker of an erasure, by the digest of its id."""
    return f"{MARKERS}{home}/{name}"


def keys_name(home: Home, name: str, found: str = "") -> str:
    """The blob of the keys of the events that an erasure means; without what names it, the prefix of all of them."""
    return blob_name(home, "erasures", f"{name}.keys-{found}{'.json' if found else ''}")


def _decode(data: bytes) -> Erasure:
    unreadable.check("the erasure", data, FORMAT)
    return _decoder.decode(data)


def _name(home: Home, name: str) -> str:
    return blob_name(home, "erasures", f"{name}.json")
