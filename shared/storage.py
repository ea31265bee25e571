"""One Blob container: small typed calls over azure-storage-blob, imported when first used."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from shared.imports import lasting
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.storage.blob.aio import BlobClient, ContainerClient, StorageStreamDownloader

TIMEOUT_SECONDS = 10
# What is downloaded and uploaded is held in memory this much at a time. The SDK would begin a download with 32 MiB, and
# upload 64 MiB in one piece.
PIECE_BYTES, BLOCK_BYTES = 4 << 20, 1 << 20
DELETES = 16
# The SDK's own first pause is 15 s: a service that was away for a moment would stop the trainer for much longer.
RETRIES: dict[str, Any] = {"retry_total": 2, "initial_backoff": 0.5, "increment_base": 2, "random_jitter_range": 0.25}


class StorageUnavailable(Exception):
    """The Blob service did not answer, or not as it should."""


class Conflict(Exception):
    """A conditional write lost: somebody else wrote first."""


class Blob(NamedTuple):
    """A blob's bytes and the ETag a later conditional write or read needs."""

    data: bytes
    etag: str


class Shorter(Exception):
    """A blob ends before what was asked for of it begins."""


class Part(NamedTuple):
    """Some of a blob's bytes, and when the blob was written."""

    data: bytes
    modified: datetime


class Listed(NamedTuple):
    """A blob as a list has it: its size in bytes, when it was written, and what is another one once it is replaced."""

    name: str
    size: int
    modified: datetime
    etag: str


class Storage:
    """The container of a deployment. Every call may raise StorageUnavailable.

    credential: in place of the managed identity, for commands that people run.
    """

    def __init__(self, settings: Settings, credential: AsyncTokenCredential | None = None) -> None:
        self._settings, self._credential = settings, credential
        self._container: ContainerClient | None = None
        self._exists = False

    async def read(self, name: str, unless: str | None = None) -> Blob | None:
        """The blob, without its data if its ETag is still `unless`; None if there is none."""
        from azure.core import MatchConditions
        from azure.core.exceptions import HttpResponseError

        condition: dict[str, Any] = {"etag": unless, "match_condition": MatchConditions.IfModified} if unless else {}
        with _translated():
            try:
                stream = await (await self._client()).download_blob(name, **condition)
                return Blob(await stream.readall(), stream.properties.etag)
            except HttpResponseError as error:
                if error.status_code == 404:
                    return None
                if error.status_code == 304 and unless:
                    return Blob(b"", unless)
                raise

    async def read_range(self, name: str, offset: int, length: int) -> Part | None:
        """Some of a blob's bytes; None if there is no such blob. Raises Shorter."""
        stream = await self._open(name, offset, length)
        if stream is None:
            return None
        with _translated():
            return Part(await stream.readall(), stream.properties.last_modified)

    async def download(self, name: str, target: Path, offset: int = 0, length: int | None = None) -> datetime | None:
        """Writes the blob, or these of its bytes, into a file; when it was written, None if there is none.

        Raises Shorter if it ends before these bytes begin.
        """
        stream = await self._open(name, offset, length)
        if stream is None:
            return None
        with _translated(), target.open("wb") as file:
            await stream.readinto(file)
        modified: datetime = stream.properties.last_modified
        return modified

    async def stream(self, name: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """The blob's bytes, or these of them, PIECE_BYTES at a time; none if there is no such blob. Raises Shorter."""
        stream = await self._open(name, offset, length)
        if stream is None:
            return
        pieces = stream.chunks()
        while True:
            with _translated():
                piece = await anext(pieces, b"")
            if not piece:
                return
            yield piece

    async def replace(self, name: str, data: bytes, etag: str | None) -> str:
        """Writes the blob if its ETag is still `etag` (None: if there is no blob); the new ETag, or Conflict.

        The SDK repeats a write whose answer was lost, and is refused for its own first try: a blob with just these
        bytes was written.
        """
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

        condition: dict[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
        with _translated():
            blob = await self._writable(name)
            try:
                written = await blob.upload_blob(data, overwrite=bool(etag), **condition)
            except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError) as error:
                found = await self.read(name)
                if found is None or found.data != data or found.etag == etag:
                    raise Conflict(f"{name} was written by somebody else") from error
                return found.etag
            return str(written["etag"])

    async def create(self, name: str, content: Path | bytes) -> bool:
        """Uploads a file or bytes under an immutable name; False, and nothing is changed, if there is such a blob.

        True as well if that has the same bytes: the answer to the first try may have been lost, as in `replace`.
        """
        from azure.core.exceptions import ResourceExistsError

        with _translated(), io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as data:
            blob = await self._writable(name)
            try:
                await blob.upload_blob(data, overwrite=False, max_concurrency=2)
            except ResourceExistsError:
                data.seek(0)
                return await self._holds(name, data)
            return True

    async def _holds(self, name: str, expected: BinaryIO) -> bool:
        """True if a blob has these bytes."""
        async for piece in self.stream(name):
            if expected.read(len(piece)) != piece:
                return False
        return not expected.read(1)

    async def size(self, name: str) -> int | None:
        """Bytes of a blob, None if there is none."""
        from azure.core.exceptions import ResourceNotFoundError

        with _translated():
            try:
                properties = await (await self._client()).get_blob_client(name).get_blob_properties()
            except ResourceNotFoundError:
                return None
        return int(properties.size)

    async def put(self, name: str, content: Path | bytes) -> None:
        """Writes a blob from a file or bytes, whatever was there."""
        with _translated(), io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as data:
            await (await self._writable(name)).upload_blob(data, overwrite=True)

    async def overwrite(self, name: str, content: Path) -> None:
        """Writes a blob that there is from a file; raises Conflict if it was deleted."""
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

        with _translated(), content.open("rb") as data:
            blob = await self._writable(name)
            try:
                etag = (await blob.get_blob_properties()).etag
                await blob.upload_blob(data, overwrite=True, etag=etag, match_condition=MatchConditions.IfNotModified)
            except (ResourceModifiedError, ResourceNotFoundError) as error:
                raise Conflict(f"{name} was deleted") from error

    async def names(self, prefix: str) -> list[str]:
        """The names of all blobs that start with `prefix`, in order."""
        from azure.core.exceptions import ResourceNotFoundError

        with _translated():
            try:
                return [name async for name in (await self._client()).list_blob_names(name_starts_with=prefix)]
            except ResourceNotFoundError:
                return []

    async def listed(self, prefix: str) -> list[Listed]:
        """All blobs whose names start with `prefix`, in order."""
        from azure.core.exceptions import ResourceNotFoundError

        with _translated():
            try:
                found = (await self._client()).list_blobs(name_starts_with=prefix)
                return [Listed(one.name, one.size, one.last_modified, one.etag) async for one in found]
            except ResourceNotFoundError:
                return []

    async def folders(self, prefix: str) -> list[str]:
        """What follows `prefix` up to the next slash, that included, in the names of blobs; each once, in order."""
        from azure.core.exceptions import ResourceNotFoundError

        with _translated():
            try:
                found = (await self._client()).walk_blobs(name_starts_with=prefix, delimiter="/")
                return [one.name[len(prefix) :] async for one in found if one.name.endswith("/")]
            except ResourceNotFoundError:
                return []

    async def delete(self, name: str) -> None:
        """Deletes a blob; one that is not there is fine."""
        from azure.core.exceptions import ResourceNotFoundError

        with _translated(), contextlib.suppress(ResourceNotFoundError):
            await (await self._client()).delete_blob(name)

    async def delete_all(self, names: Iterable[str]) -> None:
        """Deletes blobs, DELETES at a time; those that are not there are fine."""
        left = iter(names)
        while some := list(islice(left, DELETES)):
            await asyncio.gather(*map(self.delete, some))

    async def close(self) -> None:
        if self._container is not None:
            await self._container.close()

    async def _open(self, name: str, offset: int, length: int | None) -> StorageStreamDownloader[bytes] | None:
        """A blob, or some of its bytes, being downloaded; None if there is none. Raises Shorter."""
        from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

        start = None if (offset, length) == (0, None) else offset  # an empty blob has no first byte
        with _translated():
            try:
                return await (await self._client()).download_blob(name, offset=start, length=length)
            except ResourceNotFoundError:
                return None
            except HttpResponseError as error:
                if error.status_code == 416:
                    raise Shorter(f"{name} ends before {offset}") from None
                raise

    async def _client(self) -> ContainerClient:
        """Imports the SDK in a thread: it takes a third of a second, in which other work can go on."""
        if self._container is None:
            with lasting():
                await asyncio.to_thread(importlib.import_module, "azure.storage.blob.aio")
        if self._container is None:
            self._container = _connect(self._settings, self._credential)
        return self._container

    async def _writable(self, name: str) -> BlobClient:
        """Creates the container before the process's first write; reading does without it.

        Who may only write blobs, may not create it: then it is there already, or the write that follows tells.
        """
        from azure.core.exceptions import HttpResponseError

        container = await self._client()
        if not self._exists:
            try:
                await container.create_container()
            except HttpResponseError as error:
                if error.status_code not in (403, 409):
                    raise
            self._exists = True
        return container.get_blob_client(name)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    from azure.core.exceptions import AzureError

    try:
        yield
    except AzureError as error:
        raise StorageUnavailable(str(error).splitlines()[0]) from error


def _connect(settings: Settings, credential: AsyncTokenCredential | None) -> ContainerClient:
    from urllib.request import getproxies

    from azure.storage.blob.aio import ContainerClient

    sizes: dict[str, Any] = {
        **{"max_single_get_size": PIECE_BYTES, "max_chunk_get_size": PIECE_BYTES},
        **{"max_single_put_size": BLOCK_BYTES, "max_block_size": BLOCK_BYTES},
    }
    options = {**RETRIES, **sizes, "connection_timeout": TIMEOUT_SECONDS, "read_timeout": TIMEOUT_SECONDS}
    options["use_env_settings"] = bool(getproxies())  # without a proxy, two threads would look for one in each request
    name = settings.storage_container
    if settings.storage_connection_string:
        return ContainerClient.from_connection_string(settings.storage_connection_string, name, **options)
    if credential is None:
        from shared import identity

        credential = identity.credential(settings)
    return ContainerClient(settings.storage_account_url, name, credential, **options)
