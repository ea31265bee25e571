"""The list of a loop's changes: complete while several change it, bounded, and never in the way of a change."""

import asyncio

import msgspec
import pytest

from shared.loops import chronicle
from shared.loops.blob_names import Home
from shared.loops.chronicle import Entry, entries, note
from shared.loops.unreadable import LaterVersion
from shared.storage import Storage

HOME = Home("shop/20260101T000000Z")


async def test_changes_that_are_made_at_once_are_all_kept(storage: Storage) -> None:
    assert await entries(storage, HOME) == []
    made = [Entry(at, "policy", [f"policy {at}"]) for at in range(6)]
    await asyncio.gather(*(note(storage, HOME, one) for one in made))
    await note(storage, HOME)
    assert sorted(await entries(storage, HOME), key=lambda one: one.at) == made


async def test_the_latest_ones_are_kept(storage: Storage) -> None:
    await note(storage, HOME, *(Entry(at, "settings") for at in range(chronicle.MOST + 3)))
    await note(storage, HOME, Entry(1_000, "undo"))
    found = await entries(storage, HOME)
    assert [one.at for one in found] == [*range(4, chronicle.MOST + 3), 1_000]


async def test_a_damaged_list_begins_anew(storage: Storage) -> None:
    await storage.put(chronicle.name(HOME), b"{damaged")
    assert await entries(storage, HOME) == []
    await note(storage, HOME, Entry(1, "logs"))
    assert await entries(storage, HOME) == [Entry(1, "logs")]


async def test_one_of_a_later_version_is_left_as_it_is(storage: Storage) -> None:
    later = msgspec.json.encode({"v": chronicle.VERSION + 1, "entries": "in another form"})
    await storage.put(chronicle.name(HOME), later)
    await note(storage, HOME, Entry(1, "logs"))
    with pytest.raises(LaterVersion):
        await entries(storage, HOME)
    found = await storage.read(chronicle.name(HOME))
    assert found is not None
    assert found.data == later
