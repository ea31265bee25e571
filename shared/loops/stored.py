"""Reading what is stored of a loop, its configuration and its checkpoint, and what counts as damage."""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from shared.loops import checkpoint
from shared.loops.blob_names import Home, blob_name
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig, decode_config
from shared.loops.unreadable import LaterVersion
from shared.storage import Storage

CONFIG_FILE = "config.json"

T = TypeVar("T")


class Damaged(ValueError):
    """A blob is not what was written. etag: what a replacement of it is conditional on."""

    def __init__(self, name: str, reason: Exception, etag: str) -> None:
        super().__init__(f"{name} is damaged: {reason}")
        self.reason, self.etag = reason, etag


class Found(NamedTuple, Generic[T]):
    """What is stored, and its ETag. Without a blob both are None; if the blob is unchanged, the value alone is."""

    value: T | None
    etag: str | None


def config_name(home: Home) -> str:
    """The blob of a loop's configuration."""
    return blob_name(home, CONFIG_FILE)


async def read_config(storage: Storage, home: Home, unless: str | None = None) -> Found[LoopConfig]:
    """The configuration of a loop, if its ETag is not `unless`; raises Damaged, LaterVersion."""
    return await read(storage, config_name(home), decode_config, unless)


async def read_checkpoint(storage: Storage, home: Home, unless: str | None = None) -> Found[Checkpoint]:
    """The checkpoint of a loop, if its ETag is not `unless`; raises Damaged, LaterVersion."""
    return await read(storage, checkpoint.name(home), checkpoint.decode, unless)


async def read(storage: Storage, name: str, decode: Callable[[bytes], T], unless: str | None = None) -> Found[T]:
    """What `decode` makes of a blob, if its ETag is not `unless`; raises Damaged, LaterVersion."""
    blob = await storage.read(name, unless)
    if blob is None:
        return Found(None, None)
    if blob.etag == unless:
        return Found(None, unless)
    try:
        return Found(decode(blob.data), blob.etag)
    except LaterVersion as later:
        raise LaterVersion(name, later.version, later.known) from None
    except ValueError as error:
        raise Damaged(name, error, blob.etag) from error
