"""The loops of a deployment and the digests of their keys: one blob, in memory in every process.

The loop `default` is not in it: it always exists, and its keys are settings.
"""

import asyncio
import hmac
import logging
import re
import time
from collections.abc import Callable

import msgspec

from shared import telemetry
from shared.auth import Keys, Role
from shared.errors import ApiError
from shared.loops import checkpoint
from shared.loops.blob_names import Home, all_homes
from shared.loops.config import DEFAULT_LOOP
from shared.loops.unreadable import LaterVersion, Unreadable
from shared.storage import Conflict, Storage, StorageUnavailable

BLOB = "loops.json"
# 2 has keys of readers, which versions before would drop.
VERSION, WITHOUT_READERS = 2, 1
# The member with which a version says that it wrote the blob, where earlier ones would lose something. No loop can have
# this name.
VERSION_MEMBER = "_v"
# A key that was withdrawn still works for so long in other processes; a new one works at once.
POLL_SECONDS, SOONEST_SECONDS = 5.0, 1.0
ATTEMPTS = 20  # as many may change them at once

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_log = logging.getLogger(__name__)


class LoopRecord(msgspec.Struct, frozen=True):
    """One loop. `created` tells a loop from an earlier one of its name; keys are SHA-256 digests in hex, two a role.

    ready: False while it is being made or deleted. Nobody but who makes or deletes it knows of it then.
    """

    created: str
    app: list[str] = []
    admin: list[str] = []
    ready: bool = True
    reader: list[str] = []


class LoopsUnreadable(Unreadable):
    """The list of loops is damaged, or gone although there are loops."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{BLOB}, the list of loops, {reason}; docs/operate.md says how to mend it.")


class _Versioned(msgspec.Struct, rename={"version": VERSION_MEMBER}):
    version: int = WITHOUT_READERS


Loops = dict[str, LoopRecord]
_decoder = msgspec.json.Decoder(dict[str, LoopRecord | int])
_versioned = msgspec.json.Decoder(_Versioned)


class Registry:
    """The loops as this process knows them: `loops` are those that are ready.

    A list that cannot be read, or is gone although loops were known, changes nothing of what is known.
    """

    def __init__(self, storage: Storage, default: Keys) -> None:
        self._storage, self._default = storage, default
        self.loops: Loops = {}
        self._all: Loops = {}
        self._keys: dict[str, Keys] = {}
        self._etag: str | None = None
        self._checked = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._read = False
        self._unknown: Exception | None = None

    def role(self, loop: str, key: str) -> Role | None:
        """What a key may do with a loop. The keys of the deployment are known even to a loop that does not exist."""
        return self._keys_of(loop).role(key)

    def _keys_of(self, loop: str) -> Keys:
        if loop == DEFAULT_LOOP:
            return self._default
        return self._keys.get(loop) or Keys(owner=self._default.owner, overseer=self._default.overseer)

    async def find(self, key: str) -> tuple[str, Role] | None:
        """Whose key it is, and its role, after a look into storage where this process does not know it.

        An owner's or overseer's key is one of the loop default.
        """
        await self._look(lambda: self._find(key) is not None)
        return self._find(key)

    def _find(self, key: str) -> tuple[str, Role] | None:
        found = [(loop, role) for loop in (DEFAULT_LOOP, *self.loops) if (role := self.role(loop, key)) is not None]
        return found[0] if found else None

    async def holds(self, loop: str, prefix: bytes) -> Role | None:
        """The role of the key of a loop whose digest begins so; None if there is no such loop or key."""
        if not await self.has(loop):
            return None
        keys = self._keys_of(loop).by_role()
        matches = [role for role, known in keys if hmac.compare_digest(prefix, known[: len(prefix)])]
        return matches[0] if matches and prefix else None

    async def has(self, loop: str) -> bool:
        """Whether there is such a loop, after a look into storage where this process does not know it.

        Raises Unreadable or StorageUnavailable if that cannot be known.
        """
        if loop != DEFAULT_LOOP:
            await self._look(lambda: loop in self.loops)
            if self._unknown is not None and loop not in self.loops:
                raise self._unknown.with_traceback(None)
        return self.created(loop) is not None

    async def _look(self, known: Callable[[], bool]) -> None:
        """Looks into storage if that is due: behind the request if what is asked for is known here, else before."""
        since = time.monotonic() - self._checked
        if since >= POLL_SECONDS:
            task = self._start()
            if not known():
                await task
        elif not known() and since >= SOONEST_SECONDS:
            await self._start()

    def created(self, loop: str) -> str | None:
        """When a loop was made, empty for the default one; None if there is no such loop."""
        if loop == DEFAULT_LOOP:
            return ""
        record = self.loops.get(loop)
        return record.created if record else None

    async def authorize(self, loop: str, key: str) -> Role | None:
        """`role`, after a look into storage where this process does not know better.

        Raises Unreadable or StorageUnavailable if it cannot be known whether there is such a loop.
        """
        if loop != DEFAULT_LOOP and time.monotonic() - self._checked >= POLL_SECONDS:
            self._start()
        role = self.role(loop, key)
        unknown = loop != DEFAULT_LOOP and (role is None or loop not in self.loops)
        if unknown and time.monotonic() - self._checked >= SOONEST_SECONDS:
            await self._start()
            role = self.role(loop, key)
        if self._unknown is not None and loop != DEFAULT_LOOP and loop not in self.loops:
            raise self._unknown.with_traceback(None)
        return role

    def _start(self) -> "asyncio.Task[None]":
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._try())
        return self._task

    async def _try(self) -> None:
        try:
            await self.refresh()
        except Exception as error:
            telemetry.notice(_log, f"The loops stay as they were known: {error}")
            self._checked = time.monotonic()

    async def refresh(self) -> Loops:
        """Reads the loops if they changed. Raises StorageUnavailable, Unreadable."""
        try:
            await self._refresh()
        except Unreadable as error:
            self._unknown = error
            raise
        except StorageUnavailable as error:
            self._unknown = self._unknown if self._read else error
            raise
        self._read, self._unknown = True, None
        return self.loops

    async def _refresh(self) -> None:
        known, blob = self._etag, await self._storage.read(BLOB, self._etag)
        while self._etag != known:  # meanwhile another request took the loops, perhaps older or newer ones than these
            known, blob = self._etag, await self._storage.read(BLOB, self._etag)
        self._checked = time.monotonic()
        if blob is None:
            await self._check_missing()
        elif blob.etag != known:
            self._take(_decoded(blob.data), blob.etag)

    async def _check_missing(self) -> None:
        """Raises LoopsUnreadable if there must be loops: a list is emptied when the last one ends, never deleted."""
        if self._etag is not None:
            raise LoopsUnreadable("is gone")
        if not self._read and (homes := await found_homes(self._storage)):
            raise LoopsUnreadable(f"is gone, and there are blobs of {', '.join(homes)}")

    async def change(self, change: Callable[[Loops], Loops]) -> None:
        """Replaces the loops by what `change` makes of them, as often as others get in between.

        Raises ApiError, StorageUnavailable, Unreadable.
        """
        for _ in range(ATTEMPTS):
            try:
                await self.refresh()
                loops = change(dict(self._all))
                etag = await self._storage.replace(BLOB, _encoded(loops), self._etag)
            except Conflict:
                continue
            self._take(loops, etag)
            return
        raise ApiError("OperationNotAllowed", "Others are changing the loops; try again.", retry_after=1)

    def _take(self, loops: Loops, etag: str | None) -> None:
        self._all, self._etag = loops, etag
        self.loops = {name: record for name, record in loops.items() if record.ready}
        self._keys = {name: self._of(record) for name, record in self.loops.items()}

    def _of(self, record: LoopRecord) -> Keys:
        app, admin, reader = (
            tuple(bytes.fromhex(one) for one in keys) for keys in (record.app, record.admin, record.reader)
        )
        return Keys(app, admin, self._default.owner, reader, self._default.overseer)


async def found_homes(storage: Storage) -> list[str]:
    """The homes of loops that have a checkpoint, without that of the default one: as the list should have them."""
    homes: list[str] = []
    for loop in await storage.folders("loops/"):
        if loop != f"{DEFAULT_LOOP}/":
            made = [Home(f"{loop}{one.rstrip('/')}") for one in await storage.folders(all_homes(loop.rstrip("/")))]
            homes += [home for home in made if await storage.names(checkpoint.name(home))]
    return homes


def _encoded(loops: Loops) -> bytes:
    marked = {VERSION_MEMBER: VERSION} if any(one.reader for one in loops.values()) else {}
    return msgspec.json.encode(marked | loops)


def _decoded(data: bytes) -> Loops:
    try:
        version = _versioned.decode(data).version
        if version > VERSION:
            raise LaterVersion(BLOB, version, VERSION)
        return {name: one for name, one in _decoder.decode(data).items() if isinstance(one, LoopRecord)}
    except ValueError as error:
        raise LoopsUnreadable(f"is damaged ({error})") from None


def check_name(loop: str) -> None:
    """Raises InvalidLoopName unless the name fits a path, a blob name and a log line as it is."""
    if not _NAME.fullmatch(loop):
        raise ApiError("InvalidLoopName")
