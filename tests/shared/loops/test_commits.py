"""Checkpoints in storage: replaced by one trainer at a time, restored when they are lost or damaged."""

import msgspec
import pytest
from harness.servers import Overtaken

from shared.loops import checkpoint, commits
from shared.loops.blob_names import Home, run_name
from shared.loops.checkpoint import Checkpoint, Plan
from shared.loops.commits import Stored, amend, commit, copy, load, save
from shared.loops.config import LoopConfig
from shared.loops.unreadable import LaterVersion
from shared.settings import Settings
from shared.storage import Conflict, Storage

HOME = Home("shop/20260101T000000Z")
NAME = f"loops/{HOME}/checkpoint.json"


def state(cut: int) -> Checkpoint:
    return Checkpoint(cut=cut, interactions=[cut, -1])


def epoch(state: Checkpoint) -> Checkpoint:
    """What an administrator does to it."""
    return msgspec.structs.replace(state, epoch=state.epoch + 1)


async def committed(storage: Storage, *cuts: int) -> Stored:
    """What is stored after runs with these cuts."""
    stored = Stored(Checkpoint(), None)
    for cut in cuts:
        stored = await commit(storage, HOME, stored, state(cut), run_name(cut))
    return stored


async def copied(storage: Storage) -> dict[str, Checkpoint]:
    """The copies by their names."""
    names = await storage.names(checkpoint.copies(HOME))
    blobs = [await storage.read(name) for name in names]
    return {
        name.rpartition("/")[2]: checkpoint.decode(blob.data) for name, blob in zip(names, blobs, strict=True) if blob
    }


async def test_a_loop_without_a_checkpoint_begins_with_an_empty_one(storage: Storage) -> None:
    assert await load(storage, HOME) == Stored(Checkpoint(), None)
    assert await storage.names("") == []


async def test_what_is_committed_is_loaded_and_has_a_copy(storage: Storage) -> None:
    stored = await committed(storage, 1000)
    assert await load(storage, HOME) == stored
    assert stored.checkpoint == state(1000)
    assert await copied(storage) == {f"{run_name(1000)}.json": state(1000)}
    assert (await load(storage, Home("shop"))).etag is None


async def test_of_two_trainers_the_later_one_commits_nothing(storage: Storage) -> None:
    stored = await committed(storage, 1000)
    first = await save(storage, HOME, stored, state(2000))
    for late in (stored, Stored(Checkpoint(), None)):
        with pytest.raises(Conflict):
            await save(storage, HOME, late, state(3000))
    assert await load(storage, HOME) == first


@pytest.mark.parametrize("damage", [b"", b"{}", b"not json", None], ids=["empty", "unsealed", "text", "deleted"])
async def test_a_lost_checkpoint_is_restored_from_its_newest_copy(damage: bytes | None, storage: Storage) -> None:
    before = await committed(storage, 1000, 2000)
    await (storage.delete(NAME) if damage is None else storage.put(NAME, damage))
    restored = await load(storage, HOME)
    assert restored.checkpoint == state(2000)
    assert restored.etag != before.etag
    assert await load(storage, HOME) == restored


async def test_a_copy_that_cannot_be_read_is_passed_over(storage: Storage) -> None:
    await committed(storage, 1000, 2000, 3000)
    for run, damage in ((3000, b"{"), (2000, checkpoint.encode(state(2000))[:-9])):
        await storage.put(f"{checkpoint.copies(HOME)}{run_name(run)}.json", damage)
    await storage.delete(NAME)
    assert (await load(storage, HOME)).checkpoint == state(1000)


@pytest.mark.parametrize("copied", [False, True], ids=["checkpoint", "copy"])
async def test_what_a_later_version_has_written_is_refused_by_name_and_left(copied: bool, storage: Storage) -> None:
    await committed(storage, 1000, 2000)
    name = f"{checkpoint.copies(HOME)}{run_name(3000)}.json" if copied else NAME
    await storage.delete(NAME)
    await storage.put(name, checkpoint.encode(Checkpoint(v=99, cut=3000)))
    before = {name: await storage.read(name) for name in await storage.names("")}
    for attempt in (load(storage, HOME), amend(storage, HOME, epoch)):
        with pytest.raises(LaterVersion, match=f"{name} is of format 99"):
            await attempt
    assert {name: await storage.read(name) for name in await storage.names("")} == before


async def test_a_lost_checkpoint_comes_back_with_the_plan_of_the_run_that_was_under_way(storage: Storage) -> None:
    stored = await committed(storage, 1000)
    plan = Plan(run_name(2000), 2000, [5, 5], [5, 5], LoopConfig())
    planned = msgspec.structs.replace(stored.checkpoint, plan=plan)
    await save(storage, HOME, stored, planned)
    await copy(storage, HOME, planned, plan.run)
    await storage.put(NAME, b"")
    assert (await load(storage, HOME)).checkpoint.plan == plan


async def test_a_damaged_checkpoint_without_a_copy_is_left_and_told(storage: Storage) -> None:
    await storage.put(NAME, b"{")
    await storage.put(f"{checkpoint.copies(HOME)}{run_name(1)}.json", b"{")
    with pytest.raises(ValueError, match="loop shop is damaged and has no readable copy"):
        await load(storage, HOME)
    blob = await storage.read(NAME)
    assert blob is not None
    assert blob.data == b"{"


async def test_an_amendment_between_runs_changes_the_copy_too(storage: Storage) -> None:
    await committed(storage, 1000)
    await amend(storage, HOME, epoch)
    amended = epoch(state(1000))
    assert (await load(storage, HOME)).checkpoint == amended
    assert await copied(storage) == {f"{run_name(1000)}.json": amended}
    await storage.delete(NAME)
    assert (await load(storage, HOME)).checkpoint == amended


async def test_an_amendment_of_a_loop_that_never_trained_is_its_first_checkpoint(storage: Storage) -> None:
    await amend(storage, HOME, epoch)
    assert (await load(storage, HOME)).checkpoint == Checkpoint(epoch=1)


async def test_an_amendment_during_a_run_makes_its_commit_fail_and_keeps_its_plan(storage: Storage) -> None:
    stored = await committed(storage, 1000)
    plan = Plan(run_name(2000), 2000, [5, 5], [5, 5], LoopConfig())
    planned = await save(storage, HOME, stored, msgspec.structs.replace(stored.checkpoint, plan=plan))
    await amend(storage, HOME, epoch)
    with pytest.raises(Conflict):
        await commit(storage, HOME, planned, state(2000), plan.run)
    repeated = (await load(storage, HOME)).checkpoint
    assert (repeated.plan, repeated.epoch, repeated.cut) == (plan, 1, 1000)


async def test_an_amendment_is_made_of_what_a_trainer_has_just_committed(storage: Storage, settings: Settings) -> None:
    stored = await committed(storage, 1000)
    amended: list[int] = []

    async def train() -> None:
        nonlocal stored
        cut = stored.checkpoint.cut + 1
        stored = await commit(storage, HOME, stored, state(cut), run_name(cut))

    def noted(before: Checkpoint) -> Checkpoint:
        amended.append(before.cut)
        return epoch(before)

    overtaken = Overtaken(settings, train, times=2)
    await amend(overtaken, HOME, noted)
    assert amended == [1000, 1001, 1002]
    assert (await load(storage, HOME)).checkpoint == epoch(state(1002))
    await overtaken.close()


async def test_an_amendment_gives_up_after_so_many_attempts(storage: Storage, settings: Settings) -> None:
    await committed(storage, 1000)
    theirs = checkpoint.encode(state(5))
    busy = Overtaken(settings, lambda: storage.put(NAME, theirs), times=commits.ATTEMPTS)
    with pytest.raises(Conflict):
        await amend(busy, HOME, epoch)
    assert (await load(storage, HOME)).checkpoint == state(5)
    await busy.close()
