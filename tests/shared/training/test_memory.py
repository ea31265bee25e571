"""The memory of a join as runs store it: whatever is merged, forgotten, damaged or killed, it is loaded whole."""

import gzip
import random
from array import array
from pathlib import Path

import msgspec
import pytest
from harness.learning import PLAIN, decide, rewarded

from shared.hubs.events import key_of
from shared.joined_log import joined_lines, window_file
from shared.joined_log.join import EARLY_MS, MEMORY_MS, Joiner, horizon
from shared.joined_log.log_file import log_name
from shared.joined_log.window_file import WindowFile
from shared.loops import artifacts
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import Home, blob_name, run_name
from shared.loops.checkpoint import Checkpoint, Plan, WindowPart
from shared.loops.config import LoopConfig
from shared.settings import Settings
from shared.storage import Storage
from shared.training import memory

WAIT, RUN = 600_000, 60_000
BEGIN = 1_700_000_000_000
CONFIG = LoopConfig(wait=WAIT / 1000)


class Counted(Storage):
    """Notes how many bytes it has uploaded."""

    uploaded = 0

    async def create(self, name: str, content: Path | bytes) -> bool:
        self.uploaded += len(content) if isinstance(content, bytes) else size_of(content)
        return await super().create(name, content)


def size_of(file: Path) -> int:
    return file.stat().st_size


class Loop:
    """A loop of which only the memory is stored: run after run, by a process that may be replaced."""

    def __init__(self, storage: Storage, name: str, folder: Path) -> None:
        self.storage, self.home, self.folder = storage, Home(name), folder
        self.state, self.joiner = Checkpoint(cut=BEGIN), Joiner(BEGIN)
        self.known: dict[int, int] = {}
        self._tries = 0

    @property
    def remembered(self) -> dict[int, int]:
        return {key: end for key, end in self.known.items() if end >= horizon(self.state.cut)}

    def plan(self) -> Plan:
        cut = self.state.cut + RUN
        return Plan(run_name(cut), cut, [], [], CONFIG)

    async def run(self, *keys: int) -> None:
        """A run that closes interactions with these keys."""
        plan = self.plan()
        self.known |= dict.fromkeys(keys, plan.cut + WAIT)
        self.state = await self.attempt(plan, *keys)

    async def attempt(self, plan: Plan, *keys: int) -> Checkpoint:
        """What a run would commit."""
        folder = self._folder()
        added = WindowFile(folder / "added")
        for key in keys:
            if self.joiner.close(key, plan.cut, WAIT) is not None:
                added.write(key, plan.cut + WAIT)
        added.close()
        assert list(self.joiner.settle(plan.cut, WAIT)) == []
        windows = self.joiner.windows
        parts = await memory.publish(self.storage, self.home, self.state, plan, windows, added, folder)
        return msgspec.structs.replace(self.state, cut=plan.cut, seen=None, windows=parts)

    async def restart(self) -> None:
        self.joiner = await memory.load(self.storage, self.home, self.state, self.plan(), self._folder())

    async def check(self) -> None:
        """A new process remembers what it should."""
        await self.restart()
        assert dict(self.joiner.windows.items()) == self.remembered

    async def damage(self, number: int, data: bytes = b"damage") -> None:
        await self.storage.put(self.state.windows[number].file.name, data)

    async def log(self, event_id: str, at: int) -> None:
        """A line of the joined log."""
        line = rewarded(decide(PLAIN[0] | {"eventId": event_id}))
        stamped = msgspec.json.decode(line) | {"Timestamp": joined_lines.timestamp(at)}
        line = msgspec.json.encode(stamped) + b"\n"
        await self.storage.put(log_name(self.home, at, "joined"), gzip.compress(line))

    def _folder(self) -> Path:
        self._tries += 1
        folder = self.folder / str(self._tries)
        folder.mkdir()
        return folder


def keys(rng: random.Random, count: int) -> list[int]:
    return [rng.getrandbits(64) for _ in range(count)]


async def test_whatever_is_merged_and_forgotten_a_new_process_remembers_the_same(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "SMALL", 20)
    monkeypatch.setattr(memory, "LARGEST", 300)
    rng, loop = random.Random(1), Loop(storage, "merged", tmp_path)
    most = 0
    for number in range(80):
        again = rng.sample(sorted(loop.known), min(2, len(loop.known)))  # remembered, or known from long ago
        is_new = [key for key in again if loop.known[key] < loop.state.cut + RUN]
        await loop.run(*keys(rng, rng.choice([0, 3, 10, 40])), *is_new)
        most = max(most, len(loop.state.windows))
        if number % 7 == 0:
            await loop.check()
    assert 3 < most <= 12
    for _ in range((WAIT + MEMORY_MS + EARLY_MS) // RUN + 2):
        await loop.run()
        await loop.check()
    assert loop.state.windows == []


async def test_a_run_uploads_what_it_adds_and_little_more(settings: Settings, tmp_path: Path) -> None:
    storage, rng = Counted(settings), random.Random(1)
    loop = Loop(storage, "uploads", tmp_path)
    # Some 20 runs of 5,000 are remembered, of which versions before 3 have uploaded all.
    for _ in range(40):
        await loop.run(*keys(rng, 5_000))
    added = 40 * 5_000 * 11
    assert storage.uploaded < 4 * added
    assert len(loop.state.windows) <= 8
    await loop.check()
    await storage.close()


async def test_a_run_that_is_repeated_stores_the_same_under_the_same_name(storage: Storage, tmp_path: Path) -> None:
    loop = Loop(storage, "repeated", tmp_path)
    for number in range(2):
        await loop.run(number)
    tries = []
    for _ in range(2):
        tries.append(await loop.attempt(loop.plan(), 2, 3))
        await loop.restart()
    assert tries[0] == tries[1]
    assert [part.length for part in tries[0].windows] == [4], "it was to be merged"
    await loop.run(2, 3)
    await loop.check()


@pytest.mark.parametrize("found", ["at the start", "when it is merged"])
async def test_a_part_that_is_lost_is_made_again(
    storage: Storage, tmp_path: Path, found: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "SMALL", 2)  # more than that is not merged from memory
    loop = Loop(storage, f"lost-{len(found)}", tmp_path)
    await loop.run(1, key_of("a"))
    await loop.run(2)
    await loop.log("a", BEGIN + RUN)
    if found == "at the start":
        await loop.damage(0)
        del loop.known[1]  # it is not in the log
        await loop.check()
        await loop.run()
    else:
        await loop.damage(1)
        await loop.run(3)
    assert "The memory" in caplog.text or "is damaged" in caplog.text
    assert [part.file.name for part in loop.state.windows] == [
        blob_name(loop.home, "join", f"{run_name(loop.state.cut)}.all.gz")
    ]
    caplog.clear()
    await loop.run(4)
    assert [part.length for part in loop.state.windows[1:]] == [1], "a run stores what it adds again"
    await loop.check()
    assert caplog.text == ""


async def test_small_parts_are_merged_without_being_read(storage: Storage, tmp_path: Path) -> None:
    loop = Loop(storage, "small", tmp_path)
    await loop.run(1)
    await loop.run(2)
    await loop.damage(0)
    await loop.run(3)
    assert [part.length for part in loop.state.windows] == [3]
    await loop.check()


async def test_a_try_that_stored_its_part_does_not_stand_for_all(storage: Storage, tmp_path: Path) -> None:
    loop = Loop(storage, "tries", tmp_path)
    await loop.run(key_of("a"))
    await loop.log("a", BEGIN + RUN)
    await loop.attempt(loop.plan(), 2)
    await loop.damage(0)
    await loop.restart()
    await loop.run(2)
    await loop.check()


async def test_what_is_read_from_the_log_does_not_replace_what_the_parts_know(storage: Storage, tmp_path: Path) -> None:
    """The log knows no wait of earlier runs, and parts that are whole know nothing of a later window."""
    loop = Loop(storage, "exact", tmp_path)
    early, later = BEGIN + 2 * RUN - 5, BEGIN + 2 * RUN + WAIT - 1
    loop.state = msgspec.structs.replace(loop.state, cut=BEGIN + 12 * RUN)
    loop.known = {key_of("exact"): early + 1_000, key_of("again"): early + 1_000}
    file = window_file.write(tmp_path / "file", loop.known.items())
    await storage.create("loops/exact/join/part", file.content)
    await loop.log("exact", early)
    await loop.log("again", later)
    damaged = Artifact("loops/exact/join/gone", "")
    state = msgspec.structs.replace(
        loop.state, seen=damaged, windows=[await _part(storage, "loops/exact/join/part", file)]
    )
    joiner = await memory.load(storage, loop.home, state, loop.plan(), loop._folder())
    assert dict(joiner.windows.items()) == {key_of("exact"): early + 1_000, key_of("again"): later + WAIT}


async def _part(storage: Storage, name: str, file: WindowFile) -> WindowPart:
    stored = await artifacts.publish(storage, name, file.content)
    return WindowPart(stored, file.length, file.last)


async def test_what_an_earlier_version_has_stored_is_the_first_part_until_it_is_forgotten(
    storage: Storage, tmp_path: Path
) -> None:
    loop = Loop(storage, "earlier", tmp_path)
    loop.known = {number: BEGIN + WAIT - number for number in range(100)}
    data = gzip.compress(array("Q", [word for pair in loop.known.items() for word in pair]).tobytes(), 1)
    (tmp_path / "seen").write_bytes(data)
    seen = await artifacts.publish(storage, "loops/earlier/join/run.seen.gz", tmp_path / "seen")
    loop.state = msgspec.structs.replace(loop.state, seen=seen)
    await loop.check()
    for number in range(8):
        await loop.run(1_000 + number)
        assert loop.state.windows[0].file == seen
        await loop.check()
    while loop.state.windows:
        await loop.run()
        await loop.check()
    assert loop.state.cut <= BEGIN + RUN * 8 + WAIT + MEMORY_MS + EARLY_MS + RUN
