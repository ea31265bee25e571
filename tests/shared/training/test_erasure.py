"""Erasures that are killed at any write come to the same, in logs that were merged, too."""

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from harness.mortal import Mortal
from harness.trained import Deployment, trainer

from shared.hubs.events import key_of
from shared.joined_log import erasing, index_search, log_file, log_parts, part_reading
from shared.joined_log.part_reading import EVERY_IMPORT, Wanted
from shared.loops import commits, erased_keys, erasures, evaluation_names, monitoring_names, summaries
from shared.loops.blob_names import blob_name
from shared.loops.config import new_loop
from shared.loops.erasures import Erasure
from shared.loops.summary import DAY_MS
from shared.serving.service import Service
from shared.storage import Conflict, Storage, StorageUnavailable
from shared.training import erasure, log_merging, remains
from shared.training.erasure import ErasureWork
from shared.training.trainee import Trainee

WANTED = [erasures.Wanted(event_id=f"secret-{number}") for number in range(6)]
SELECTED = erasures.selected(WANTED)
NAME = erasures.digest("request")


@pytest.fixture
def deployed(parts: Service) -> Deployment:
    return Deployment(parts)


async def lived(deployed: Deployment, parts: Service, *loops: str) -> None:
    """Three runs of each loop, with events to be erased in each, and a reward of one that was never ranked."""
    await deployed.make(*loops)
    async with trainer(parts) as one:
        for run in range(3):
            for loop in loops:
                await deployed.reward(f"secret-{run}", loop=loop)
                await deployed.rank(f"secret-{run}", *(f"event-{run}-{number}" for number in range(4)), loop=loop)
                await deployed.reward(f"event-{run}-1", 0.5, loop=loop)
            await one.tick()


def work(deployed: Deployment, storage: Storage, loop: str) -> ErasureWork:
    initial = new_loop(deployed.parts.settings)
    trainee = Trainee(loop, deployed.created(loop), initial)
    return ErasureWork(deployed.parts.settings, storage, trainee, initial, NAME)


async def ask(deployed: Deployment, loop: str) -> None:
    await erasures.create(deployed.storage, deployed.home(loop), Erasure("request", WANTED, "", SELECTED))


async def finish(deployed: Deployment, loop: str) -> None:
    while await work(deployed, deployed.storage, loop).step():
        pass
    await deployed.storage.delete(erasures.marker(deployed.home(loop), NAME))


async def ids(deployed: Deployment, loop: str) -> list[str]:
    """Of the log as it is read, in order."""
    found: list[str] = []
    async for _, lines in part_reading.lines(deployed.storage, deployed.home(loop), Wanted("", "~", EVERY_IMPORT)):
        found += [json.loads(line)["EventId"] for line in lines.splitlines()]
    return found


async def traced(deployed: Deployment, loop: str, event: str) -> list[bytes]:
    """What the log has where the indexes say that an event is."""
    found: list[bytes] = []
    for place in (await index_search.find(deployed.storage, deployed.home(loop), event)).places:
        part = await log_parts.moved(deployed.storage, deployed.home(loop), place.cut, late=place.late)
        part = part or log_parts.alone(deployed.home(loop), place.cut, late=place.late)
        data = await deployed.storage.read_range(part.blob, part.offset + place.offset, place.length)
        assert data is not None
        found.append(gzip.decompress(data.data))
    return found


async def check(deployed: Deployment, loop: str, *others: str) -> None:
    """others: events that happened meanwhile."""
    home, kept = deployed.home(loop), [f"event-{run}-{number}" for run in range(3) for number in range(4)]
    kept += others
    assert sorted(await ids(deployed, loop)) == sorted(kept)
    for name, data in (await deployed.blobs(loop)).items():
        plain = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
        assert b"secret-" not in data + plain, name
    assert await traced(deployed, loop, "secret-0") == []
    for event in kept:
        assert any(event.encode() in lines for lines in await traced(deployed, loop, event)), event
    state = await deployed.checkpoint(loop)
    assert state.counts.erased_lines == 3
    assert (state.epoch > 0, state.taken_over) == (True, 0)
    assert set(await erased_keys.load(deployed.storage, state.erased)) == {key_of(f"secret-{n}") for n in range(3)}
    found = await erasures.read(deployed.storage, home, NAME)
    assert found is not None
    assert (found.erasure.state, found.erasure.wanted, found.erasure.id) == ("done", [], "")
    assert found.erasure.found is not None
    assert found.erasure.found.joined == 3
    today = state.cut - state.cut % DAY_MS
    summed = (await summaries.over(deployed.storage, home, today - DAY_MS, today + 2 * DAY_MS)).summary
    assert summed.fate("skipped") == len(kept)


async def left(deployed: Deployment, loop: str) -> dict[str, bytes]:
    """All blobs but the checkpoint and its copies, in which numbers of commits are counted."""
    blobs = await deployed.blobs(loop)
    return {name: data for name, data in blobs.items() if "checkpoint" not in name}


async def test_killed_at_any_write_it_leaves_the_same_bytes(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "MEMBER_BYTES", 700)
    monkeypatch.setattr(erasing, "MEMBER_BYTES", 700)
    monkeypatch.setattr(erasure, "_now", lambda: "2026-01-01T00:00:00Z")
    monkeypatch.setattr(erasure, "_ms", lambda: 1_767_225_600_000)
    await lived(deployed, parts, "default")
    await ask(deployed, "default")
    before = await deployed.blobs("default")
    await finish(deployed, "default")
    await check(deployed, "default")
    whole, counts = await left(deployed, "default"), await deployed.counts()
    mortal, kill, is_killed = Mortal(parts.settings), 0, True
    try:
        while is_killed:
            await deployed.storage.delete_all(await deployed.blobs("default"))
            for name, data in before.items():
                await deployed.storage.put(name, data)
            mortal.writes, mortal.left, is_killed = [], kill, False
            try:
                while await work(deployed, mortal, "default").step():
                    pass
            except StorageUnavailable:
                is_killed = True
            await finish(deployed, "default")
            assert (await left(deployed, "default"), await deployed.counts()) == (whole, counts), kill
            kill += 2
        await check(deployed, "default")
    finally:
        await mortal.close()
    assert kill > 15


async def test_an_event_that_was_asked_for_and_not_found_may_happen_later(deployed: Deployment, parts: Service) -> None:
    await lived(deployed, parts, "default")
    await ask(deployed, "default")
    await finish(deployed, "default")
    async with trainer(parts) as one:
        await deployed.rank("secret-4", "secret-1")
        await one.tick()
    assert "secret-4" in await ids(deployed, "default")
    assert "secret-1" not in await ids(deployed, "default")
    assert (await deployed.counts())["erased"] == 1


async def test_two_trainers_at_once_come_to_the_same(
    deployed: Deployment, parts: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await lived(deployed, parts, "default")
    await ask(deployed, "default")
    others: list[str] = []
    async with trainer(parts) as one, trainer(parts) as two:
        for turn in range(30):
            others.append(f"other-{turn}")
            await deployed.rank(others[-1])
            await asyncio.gather(one.tick(), two.tick())
            found = await erasures.read(deployed.storage, deployed.home("default"), NAME)
            if found is not None and found.erasure.state == "done":
                break
            await asyncio.sleep(0.1)
        caplog.clear()
        await asyncio.gather(one.tick(), two.tick())
        await asyncio.gather(one.tick(), two.tick())
        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
    await check(deployed, "default", *others)
    assert len(await deployed.joined()) == 12 + len(others)


async def test_those_who_commit_at_once_come_to_the_same(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(deployed, parts, "default")
    await ask(deployed, "default")
    stores = [Storage(parts.settings) for _ in range(3)]
    together, added = asyncio.Barrier(3), erased_keys.added

    async def all_added(*given: Any) -> Any:
        await together.wait()
        return await added(*given)

    monkeypatch.setattr(erased_keys, "added", all_added)

    async def go(storage: Storage) -> None:
        for _ in range(10):
            try:
                if not await work(deployed, storage, "default").step():
                    return
            except Conflict:
                await asyncio.sleep(0.01)

    await asyncio.gather(*map(go, stores))
    await check(deployed, "default")
    assert not [name for name in await deployed.blobs("default") if ".keys-" in name]
    for storage in stores:
        await storage.close()


class Deleting(Storage):
    """The loop is deleted when its first blob is to be replaced."""

    async def overwrite(self, name: str, content: Path) -> None:
        await self.delete_all(await self.names("/".join(name.split("/")[:2])))
        await super().overwrite(name, content)


async def test_of_a_loop_that_is_deleted_meanwhile_nothing_comes_back(deployed: Deployment, parts: Service) -> None:
    await lived(deployed, parts, "gone")
    await ask(deployed, "gone")
    storage = Deleting(parts.settings)
    with pytest.raises(Conflict):
        await work(deployed, storage, "gone").step()
    await storage.close()
    assert await deployed.blobs("gone") == {}


@pytest.mark.parametrize("waits", [False, True])
async def test_only_blobs_that_may_have_something_are_read_again(
    deployed: Deployment, parts: Service, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the events may wait in the hub, with the value, and be in the log without it."""
    await lived(deployed, parts, "default")
    context = msgspec.Raw(b'{"FromUrl":[{"user":{"id":"u-17"}}],"_multi":[{"_tag":"a"}]}')
    async with trainer(parts) as one:
        await deployed.rank("event-3-0", c=context)
        await one.tick()
        if waits:
            await deployed.rank("event-1-2", c=context)
        looked = list[str]()
        part = erasing._Rewriting.blob

        def blob(self: Any, name: str, file: Path) -> Any:
            looked.append(name)
            return part(self, name, file)

        monkeypatch.setattr(erasing._Rewriting, "blob", blob)
        wanted = [erasures.Wanted(feature="user.id", value="u-17")]
        asked = Erasure("request", wanted, "", erasures.selected(wanted))
        await erasures.create(deployed.storage, deployed.home("default"), asked)
        await finish(deployed, "default")
        await one.tick()
    assert len(looked) > 1 if waits else len(looked) == 1, looked
    found = await ids(deployed, "default")
    assert "event-3-0" not in found
    assert ("event-1-2" in found) is not waits


async def test_merged_logs_are_taken_apart_and_put_together(deployed: Deployment, parts: Service) -> None:
    await lived(deployed, parts, "default")
    home, storage = deployed.home("default"), deployed.storage
    known = await commits.load(storage, home)
    later = msgspec.structs.replace(known.checkpoint, cut=known.checkpoint.cut + DAY_MS)  # the day is over
    known = await commits.save(storage, home, known, later)
    merge = await log_merging.prepare(storage, home)
    assert merge is not None
    merged = msgspec.structs.replace(later, merges=merge.merges, merged=merge.merged, cut=known.checkpoint.cut - DAY_MS)
    await commits.save(storage, home, known, merged)
    assert len(await ids(deployed, "default")) == 15
    await ask(deployed, "default")
    await finish(deployed, "default")
    await check(deployed, "default")


@pytest.mark.parametrize("merge_counts", [True, False])
async def test_a_merge_that_was_prepared_before_brings_nothing_back(
    deployed: Deployment, parts: Service, merge_counts: bool
) -> None:
    """A trainer has it in its memory. Its next run commits it before the erasure, or comes after the erasure."""
    await lived(deployed, parts, "default")
    home, storage = deployed.home("default"), deployed.storage
    known = await commits.load(storage, home)
    later = msgspec.structs.replace(known.checkpoint, cut=known.checkpoint.cut + DAY_MS)  # the day is over
    over = await commits.save(storage, home, known, later)
    merge = await log_merging.prepare(storage, home)
    assert merge is not None
    await commits.save(storage, home, over, known.checkpoint)
    async with trainer(parts) as one:
        await one.tick()
        one._trainees["default"].merge = merge
        if not merge_counts:
            await ask(deployed, "default")
            await finish(deployed, "default")
        await deployed.rank("other")
        await one.tick()
        assert ((await deployed.checkpoint()).merged == merge.merged) is merge_counts
        if merge_counts:
            await ask(deployed, "default")
            await finish(deployed, "default")
    await check(deployed, "default", "other")


async def test_doing_it_twice_changes_nothing(deployed: Deployment, parts: Service) -> None:
    await lived(deployed, parts, "default")
    await ask(deployed, "default")
    await finish(deployed, "default")
    before = await deployed.blobs("default")
    assert not await work(deployed, deployed.storage, "default").step()
    assert await deployed.blobs("default") == before


async def test_values_whose_log_is_gone_leave_what_names_them(deployed: Deployment, parts: Service) -> None:
    await deployed.make("default")
    async with trainer(parts) as one:
        await deployed.rank(*(f"event-{number}" for number in range(5)), deferred=False)
        await one.tick()
    home, storage = deployed.home("default"), deployed.storage
    value = "morning"
    assert await named_by(deployed, value)
    await storage.delete_all(await storage.names(blob_name(home, "logs", "")))
    alarms, job = monitoring_names.alarms(home), f"{evaluation_names.prefix(home, 'evaluations')}one/job.json"
    named = json.dumps({"state": "completed", "texts": [f"It showed {value}.", value]}).encode()
    for name in (alarms, job):
        await storage.put(name, named)
    wanted = [erasures.Wanted(feature="user.id", value=value)]
    await erasures.create(storage, home, Erasure("request", wanted, "", erasures.selected(wanted)))
    await finish(deployed, "default")
    found = await erasures.read(storage, home, NAME)
    assert found is not None
    assert found.erasure.state == "done"
    assert found.erasure.left[:4] == remains.always(new_loop(parts.settings))
    assert await named_by(deployed, value) == []
    state = await deployed.checkpoint()
    today = state.cut - state.cut % DAY_MS
    summed = (await summaries.over(storage, home, today - DAY_MS, today + 2 * DAY_MS)).summary
    assert summed.fate("shown") == 5


async def named_by(deployed: Deployment, text: str) -> list[str]:
    """The blobs but the log that have a text."""
    blobs = {name: data for name, data in (await deployed.blobs("default")).items() if "/logs/" not in name}
    plain = {name: gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data for name, data in blobs.items()}
    return [name for name, data in plain.items() if f'"{text}"'.encode() in data]
