"""What processes have refused is counted once, whoever is killed and whenever."""

import asyncio
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
from harness.metrics import key, read

from shared.errors import ApiError
from shared.loops.blob_names import DEFAULT_HOME
from shared.monitoring import metrics, refused
from shared.monitoring.refused import SECONDS, SILENCE
from shared.serving import refusals
from shared.serving.refusals import Refusals
from shared.serving.service import Service
from shared.settings import Settings
from shared.storage import Conflict, Storage

TOO_MANY, DEAR = ApiError("TooManyRequests"), ApiError("InvalidRankRequest", inner="TooExpensive")


class Killed(Exception):
    """Stands for the end of the process."""


class Mortal(Storage):
    """Storage of a process that is killed before its write number `writes`, or right after it has arrived."""

    def __init__(self, settings: Settings, writes: int, *, arrives: bool) -> None:
        super().__init__(settings)
        self._left, self._arrives = writes, arrives

    async def replace(self, name: str, data: bytes, etag: str | None) -> str:
        self._step()
        written = await super().replace(name, data, etag)
        self._arrived()
        return written

    async def delete(self, name: str) -> None:
        self._step()
        await super().delete(name)
        self._arrived()

    def _step(self) -> None:
        self._left -= 1
        if self._left == 0 and not self._arrives:
            raise Killed

    def _arrived(self) -> None:
        if self._left == 0:
            raise Killed


@pytest.fixture
async def process(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Refusals]:
    monkeypatch.setattr(refusals, "SECONDS", 0.0)
    process = Refusals(storage)
    yield process
    await process.close()


async def count(process: Refusals, *errors: ApiError) -> None:
    """Counts, and waits until that is stored."""
    for error in errors:
        process.count(DEFAULT_HOME, error)
    assert process._task is not None
    await process._task


async def ended(storage: Storage, *errors: ApiError) -> None:
    """A process that has refused something and ended."""
    process = Refusals(storage)
    await count(process, *errors)


async def total(storage: Storage) -> dict[str, int]:
    return (await refused.load(storage)).get(DEFAULT_HOME, {})


def later(folds: int = 1) -> float:
    return time.time() + SILENCE + folds * (SECONDS + 1)


async def test_processes_are_added_up(storage: Storage, process: Refusals) -> None:
    await count(process, TOO_MANY, DEAR, DEAR)
    await ended(storage, TOO_MANY, ApiError("InvalidRankRequest"))
    expected = {"TooManyRequests": 2, "InvalidRankRequest/TooExpensive": 2, "InvalidRankRequest": 1}
    assert await total(storage) == expected
    await refused.fold(storage, later())
    assert await total(storage) == expected
    assert await storage.names(refusals.PREFIX) == []


async def test_a_process_that_goes_on_after_it_was_folded_is_counted_once(storage: Storage, process: Refusals) -> None:
    await count(process, TOO_MANY, DEAR)
    await refused.fold(storage, later())
    await count(process, TOO_MANY)
    await count(process, DEAR)
    assert await total(storage) == {"TooManyRequests": 2, "InvalidRankRequest/TooExpensive": 2}
    await refused.fold(storage, later(2))
    assert await total(storage) == {"TooManyRequests": 2, "InvalidRankRequest/TooExpensive": 2}


@pytest.mark.parametrize("arrives", [False, True])
@pytest.mark.parametrize("writes", range(1, 6))
async def test_a_fold_that_is_killed_is_completed(
    storage: Storage, settings: Settings, process: Refusals, writes: int, arrives: bool
) -> None:
    """Two blobs: two marks, the folded one, two deletions."""
    await count(process, TOO_MANY)
    await ended(storage, TOO_MANY, DEAR)
    mortal = Mortal(settings, writes, arrives=arrives)
    with pytest.raises(Killed):
        await refused.fold(mortal, later())
    await mortal.close()
    assert await total(storage) == {"TooManyRequests": 2, "InvalidRankRequest/TooExpensive": 1}
    await count(process, DEAR)
    for fold in (2, 3, 4):
        await refused.fold(storage, later(fold))
        assert await total(storage) == {"TooManyRequests": 2, "InvalidRankRequest/TooExpensive": 2}
    assert await storage.names(refusals.PREFIX) == []
    blob = await storage.read(refused.BLOB)
    assert blob is not None
    assert msgspec.json.decode(blob.data, type=refused.Folded).names == []


async def test_trainers_that_fold_at_once_count_once(storage: Storage) -> None:
    for _ in range(4):
        await ended(storage, TOO_MANY)
    results = await asyncio.gather(*(refused.fold(storage, later()) for _ in range(4)), return_exceptions=True)
    assert all(one is None or isinstance(one, Conflict) for one in results)
    for fold in (2, 3):
        await refused.fold(storage, later(fold))
    assert await total(storage) == {"TooManyRequests": 4}


async def test_a_write_whose_answer_was_lost_is_not_repeated(storage: Storage, process: Refusals) -> None:
    await count(process, TOO_MANY)
    process._etag = "0x0"  # as if the last write had been made, and its new ETag never heard of
    await count(process, DEAR)
    assert await total(storage) == {"TooManyRequests": 1, "InvalidRankRequest/TooExpensive": 1}
    assert len(await storage.names(refusals.PREFIX)) == 1


async def test_damaged_blobs_are_left_alone(storage: Storage, process: Refusals) -> None:
    await count(process, TOO_MANY)
    await storage.put(f"{refusals.PREFIX}damaged.json", b"{")
    await storage.put(refused.BLOB, b'{"later": "version"}')
    await refused.fold(storage, later())
    assert await total(storage) == {"TooManyRequests": 1}
    blob = await storage.read(refused.BLOB)
    assert blob is not None
    assert blob.data == b'{"later": "version"}'


async def test_metrics_tell_it_by_loop(parts: Service) -> None:
    for error in (TOO_MANY, DEAR, DEAR):
        parts.refused("default", error)
    parts.refused("no such loop", TOO_MANY)
    await asyncio.sleep(0)
    await parts._refusals.close()
    for loop in (None, parts.loop()):
        told = read((await metrics.report(parts, loop)).decode())
        name = {"loop": "default", "code": "InvalidRankRequest", "reason": "TooExpensive"}
        assert told[key("refused_total", **name)] == 2
        assert told[key("refused_total", loop="default", code="TooManyRequests", reason="")] == 1
        assert sum(value for one, value in told.items() if "refused_total" in one[0]) == 3
