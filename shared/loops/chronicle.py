"""What was changed of a loop and when, so that its curves can be read: the latest changes, in one blob.

It is written behind the change, which counts also where this fails: a process that is killed in between leaves a change
out.
"""

import logging
from typing import Literal

import msgspec

from shared import telemetry
from shared.loops import unreadable
from shared.loops.blob_names import Home, blob_name, loop_of
from shared.loops.stored import Damaged, read
from shared.loops.unreadable import LaterVersion
from shared.storage import Conflict, Storage, StorageUnavailable

VERSION = 1
MOST = 200
ATTEMPTS = 20  # as many may change the loop at once

Kind = Literal["policy", "optimisation", "undo", "settings", "learning-mode", "model-imported", "model-cleared", "logs"]

_log = logging.getLogger(__name__)


class Entry(msgspec.Struct, frozen=True):
    """A change. at: ms since 1970. about: the policy's name, members of the configuration, the learning mode."""

    at: int
    kind: Kind
    about: list[str] = []


class Chronicle(msgspec.Struct, frozen=True):
    """The latest MOST changes, the newest last."""

    entries: list[Entry] = []
    v: int = VERSION


_decoder = msgspec.json.Decoder(Chronicle)


def name(home: Home) -> str:
    """The blob."""
    return blob_name(home, "changes.json")


def decode(data: bytes) -> Chronicle:
    """What was stored; raises ValueError if it is damaged, LaterVersion."""
    unreadable.check("the changes", data, VERSION)
    return _decoder.decode(data)


async def entries(storage: Storage, home: Home) -> list[Entry]:
    """The changes that are known, the newest last; none if they are damaged. Raises LaterVersion."""
    return (await _read(storage, home))[0].entries


async def note(storage: Storage, home: Home, *made: Entry) -> None:
    """Adds changes. Never raises: what could not be noted is told in the log."""
    for _ in range(ATTEMPTS if made else 0):
        try:
            known, etag = await _read(storage, home)
            grown = Chronicle([*known.entries, *made][-MOST:])
            await storage.replace(name(home), msgspec.json.encode(grown), etag)
        except Conflict:
            continue
        except (StorageUnavailable, LaterVersion) as reason:
            telemetry.notice(_log, f"A change is not in {name(home)}: {reason}", loop_of(home))
        return


async def _read(storage: Storage, home: Home) -> tuple[Chronicle, str | None]:
    try:
        found = await read(storage, name(home), decode)
    except Damaged as damage:
        return Chronicle(), damage.etag
    return found.value or Chronicle(), found.etag
