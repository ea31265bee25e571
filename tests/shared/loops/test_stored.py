"""What is stored of a loop: found, missing, unchanged or damaged."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.loops import checkpoint, stored
from shared.loops.blob_names import DEFAULT_HOME, home_of
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.loops.stored import Damaged, Found
from shared.loops.unreadable import LaterVersion
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


LATER = {
    "config": (stored.read_config, "loops/default/config.json", b'{"v":2,"wait":"in words"}', "format 2.* up to 1"),
    "checkpoint": (
        stored.read_checkpoint,
        "loops/default/checkpoint.json",
        checkpoint._sealed(b'{"v":99,"cut":{"of another":"shape"}}'),
        f"format 99.* up to {checkpoint.LATEST}",
    ),
}


@pytest.mark.parametrize(("read", "name", "data", "told"), LATER.values(), ids=LATER)
async def test_what_a_later_version_has_written_is_no_damage_and_is_named(
    read: Read, name: str, data: bytes, told: str, storage: Storage
) -> None:
    await storage.put(name, data)
    with pytest.raises(LaterVersion, match=f"{name} is of {told}"):
        await read(storage, DEFAULT_HOME)


async def test_a_changed_version_is_damage(storage: Storage) -> None:
    changed = checkpoint.encode(STATE).replace(b'"v":1', b'"v":9')
    await storage.put("loops/default/checkpoint.json", changed)
    with pytest.raises(Damaged):
        await stored.read_checkpoint(storage, DEFAULT_HOME)


async def test_a_configuration_without_a_version_is_of_the_first(storage: Storage) -> None:
    assert b'"v":1' in CONFIG.encoded()
    await storage.put("loops/default/config.json", CONFIG.encoded().replace(b',"v":1', b""))
    assert (await stored.read_config(storage, DEFAULT_HOME)).value == CONFIG
