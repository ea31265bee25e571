"""What is stored of a loop: found, missing, unchanged or damaged."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.loops import checkpoint, stored
from shared.loops.blob_names import DEFAULT_HOME, home_of
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.loops.stored import Damaged, Found
from shared.storage import Storage

CONFIG, STATE = LoopConfig(wait=5.0, mode="Apprentice"), Checkpoint(cut=5, interactions=[1, -1])
KINDS = {
    "config": (stored.read_config, "loops/default/config.json", CONFIG, CONFIG.encoded()),
    "checkpoint": (stored.read_checkpoint, "loops/default/checkpoint.json", STATE, checkpoint.encode(STATE)),
}
Read = Callable[..., Awaitable[Found[Any]]]


@pytest.mark.parametrize(("read", "name", "value", "data"), KINDS.values(), ids=KINDS)
async def test_what_is_stored_is_read_if_it_changed(
    read: Read, name: str, value: object, data: bytes, storage: Storage
) -> None:
    assert await read(storage, DEFAULT_HOME) == Found(None, None)
    etag = await storage.replace(name, data, None)
    assert await read(storage, DEFAULT_HOME) == Found(value, etag)
    assert await read(storage, DEFAULT_HOME, etag) == Found(None, etag)
    assert await read(storage, home_of("default", "2026-01-01T00:00:00Z")) == Found(None, None)
    written = await storage.replace(name, data, etag)
    assert await read(storage, DEFAULT_HOME, etag) == Found(value, written)


@pytest.mark.parametrize(("read", "name", "value", "data"), KINDS.values(), ids=KINDS)
async def test_damage_names_the_blob_and_what_may_replace_it(
    read: Read, name: str, value: object, data: bytes, storage: Storage
) -> None:
    for damage in (b"", b"{", b"\xff\xfe", b"[]", data[:-1], data + b"}"):
        await storage.put(name, damage)
        with pytest.raises(Damaged, match=f"{name} is damaged") as found:
            await read(storage, DEFAULT_HOME)
        etag = await storage.replace(name, data, found.value.etag)
        assert await read(storage, DEFAULT_HOME) == Found(value, etag)


async def test_a_checkpoint_of_a_later_version_is_damage(storage: Storage) -> None:
    await storage.put("loops/default/checkpoint.json", checkpoint.encode(Checkpoint(v=checkpoint.VERSION + 1)))
    with pytest.raises(Damaged, match="version 2"):
        await stored.read_checkpoint(storage, DEFAULT_HOME)
