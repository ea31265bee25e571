"""The index of a log: everything is found, in few blobs, whatever is merged, interrupted or done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.hubs.events import key_of
from shared.joined_log import event_index, index_search
from shared.joined_log.event_index import ENTRY, Index, due, listed, merge, publish
from shared.joined_log.index_search import Place, Sought, find
from shared.joined_log.log_file import LENGTH_BITS, Entries
from shared.loops.blob_names import blob_name, run_name
from shared.storage import Storage

SIZE = 50


@pytest.fixture(autouse=True)
def _small_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_index, "SMALL", 4 * SIZE)
    monkeypatch.setattr(event_index, "SLICE", 100)


def kept(*pairs: tuple[int, int]) -> Entries:
    """Few enough to need no file."""
    entries = Entries(Path())
    for pair in pairs:
        entries.add(*pair)
    return entries


def entries(run: int) -> Entries:
    """The entries of SIZE events of a run, three to a member."""
    pairs = ((key_of(f"{run}-{number}"), number // 3 << LENGTH_BITS | 7) for number in range(SIZE))
    return kept(*pairs)


async def write(storage: Storage, loop: str, run: int, folder: Path) -> None:
    late = kept((key_of(f"{run}-0"), 9))
    await publish(storage, loop, run * 1000, entries(run), late, folder)


async def check(storage: Storage, loop: str, runs: int) -> None:
    for run in range(runs):
        assert (await find(storage, loop, f"{run}-30")).places == [Place(run * 1000, False, 10, 7)]
        both = [Place(run * 1000, True, 0, 9), Place(run * 1000, False, 0, 7)]
        assert (await find(storage, loop, f"{run}-0")).places == both
    assert await find(storage, loop, f"{runs}-0") == Sought([], [])


async def test_every_event_of_many_runs_is_found_in_few_blobs(storage: Storage, tmp_path: Path) -> None:
    counts = []
    for run in range(40):
        await write(storage, "many", run, tmp_path)
        await merge(storage, "many")
        counts.append(len(await listed(storage, "many")))
    assert max(counts) <= 6
    assert sum(index.length for index in await listed(storage, "many")) == 40 * (SIZE + 1)
    await check(storage, "many", 40)


async def test_what_an_interrupted_merge_left_is_found_once_and_deleted(storage: Storage, tmp_path: Path) -> None:
    for run in range(4):
        await write(storage, "left", run, tmp_path)
    await merge(storage, "left")
    assert len(await listed(storage, "left")) == 1
    for run in (0, 3):
        await write(storage, "left", run, tmp_path)
    await check(storage, "left", 4)
    await merge(storage, "left")
    assert len(await listed(storage, "left")) == 1
    await check(storage, "left", 4)


async def test_merges_at_once_and_lookups_among_them_lose_nothing(storage: Storage, tmp_path: Path) -> None:
    for run in range(8):
        await write(storage, "races", run, tmp_path)
        merges = asyncio.gather(*(merge(storage, "races") for _ in range(3)))
        await check(storage, "races", run + 1)
        await merges
    await check(storage, "races", 8)


async def test_a_run_without_events_has_no_index_and_an_index_goes_when_its_last_run_may(
    storage: Storage, tmp_path: Path
) -> None:
    await publish(storage, "empty", 1, kept(), kept(), tmp_path)
    assert await listed(storage, "empty") == []
    assert await find(storage, "empty", "e") == Sought([], [])
    await write(storage, "empty", 1_700_000_000, tmp_path)
    (index,) = await listed(storage, "empty")
    assert index.name.rpartition("/")[2].partition(".")[0] == index.last == "20231114T221320000Z"


async def test_keys_that_are_not_spread_evenly_are_found(storage: Storage) -> None:
    keys = [*range(5_000), *(2**64 - 1 - number for number in range(10))]
    run = run_name(1)
    name = f"loops/skewed/logs/index/{run}.{run}.5010"
    await storage.put(name, b"".join(ENTRY.pack(key, 2, key & 0xFF) for key in sorted(keys)))
    index = Index(run, run, 5_010, name)
    for key in (0, 1, 4_321, 4_999, 2**64 - 1):
        assert await index_search._search(storage, index, key) == [Place(1, False, 0, key & 0xFF)]
    for key in (5_000, 2**63):
        assert await index_search._search(storage, index, key) == []


def test_the_newest_of_about_one_size_are_merged() -> None:
    def group(*lengths: int) -> list[int]:
        names = [f"{number:03d}" for number in range(len(lengths))]
        return [one.length for one in due([Index(name, name, n, name) for name, n in zip(names, lengths, strict=True)])]

    small, large = event_index.SMALL, event_index.LARGEST
    assert group() == group(1) == group(1, 1) == []
    assert group(1, 1, 1) == [1, 1, 1]
    assert group(10 * small, 1, small, 1) == [1, small, 1]
    assert group(10 * small, 3 * small, *[small] * 3) == [3 * small, *[small] * 3]
    assert group(large, *[large // 2 + 1] * 3) == []
    assert group(large, *[large // 3] * 3) == [large // 3] * 3


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2 + 7]


def empty(data: bytes) -> bytes:
    return b""


def shuffled(data: bytes) -> bytes:
    half = len(data) // ENTRY.size // 2 * ENTRY.size
    return data[half:] + data[:half]


def of_another_time(data: bytes) -> bytes:
    """Places in runs that the index is not about."""
    entries = [ENTRY.unpack_from(data, at) for at in range(0, len(data), ENTRY.size)]
    return b"".join(ENTRY.pack(key, run | 1 << 62, place) for key, run, place in entries)


@pytest.mark.parametrize("damage", [truncated, empty, shuffled, of_another_time])
async def test_a_damaged_index_is_named_and_hides_no_other(
    storage: Storage, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    names = []
    for run in range(3):
        await write(storage, "damaged", run, tmp_path)
        names.append((await listed(storage, "damaged"))[-1].name)
    blob = await storage.read(names[1])
    assert blob is not None
    await storage.put(names[1], damage(blob.data))
    for run in (0, 2):
        assert Place(run * 1000, False, 10, 7) in (await find(storage, "damaged", f"{run}-30")).places
    assert await find(storage, "damaged", "1-30") == Sought([], [names[1]])


async def test_a_damaged_index_is_not_merged_and_the_newer_ones_are(storage: Storage, tmp_path: Path) -> None:
    for run in range(3):
        await write(storage, "unmerged", run, tmp_path)
    damaged = (await listed(storage, "unmerged"))[1].name
    await storage.put(damaged, b"damage")
    await merge(storage, "unmerged")
    for run in range(3, 6):
        await write(storage, "unmerged", run, tmp_path)
        await merge(storage, "unmerged")
    blob = await storage.read(damaged)
    assert blob is not None
    assert blob.data == b"damage"
    assert len(await listed(storage, "unmerged")) < 6
    for run in (0, 2, 3, 4, 5):
        sought = await find(storage, "unmerged", f"{run}-30")
        assert sought == Sought([Place(run * 1000, False, 10, 7)], [damaged])


async def test_an_index_of_a_later_version_is_left_and_named(storage: Storage, tmp_path: Path) -> None:
    later = blob_name("later", "logs", "index", f"{run_name(5)}.{run_name(0)}.7.v2")
    await storage.put(later, b"of a later version")
    for run in range(3):
        await write(storage, "later", run, tmp_path)
    await merge(storage, "later")
    assert later in await storage.names("loops/later/")
    assert await find(storage, "later", "1-30") == Sought([Place(1000, False, 10, 7)], [later])
