"""One container: what each call answers, to whom it gives way, and what it makes of trouble."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport

from local.azurite import connection_string
from local.services import free_port
from shared import storage as storage_module
from shared.settings import Settings
from shared.storage import Blob, Conflict, Storage, StorageUnavailable

CALLS: dict[str, Callable[[Storage, Path], Awaitable[object]]] = {
    "read": lambda storage, _: storage.read("a"),
    "read_range": lambda storage, _: storage.read_range("a", 0, 1),
    "download": lambda storage, file: storage.download("a", file),
    "replace": lambda storage, _: storage.replace("a", b"1", None),
    "replace one": lambda storage, _: storage.replace("a", b"1", '"0x1"'),
    "create": lambda storage, file: storage.create("a", file),
    "put": lambda storage, _: storage.put("a", b"1"),
    "overwrite": lambda storage, file: storage.overwrite("a", file),
    "names": lambda storage, _: storage.names(""),
    "delete": lambda storage, _: storage.delete("a"),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"of a file")
    return path


def content(file: Path) -> bytes:
    return file.read_bytes()


async def test_a_blob_is_read_as_it_was_written(storage: Storage) -> None:
    data = bytes(range(256)) * 1000
    etag = await storage.replace("folder/a", data, None)
    assert await storage.read("folder/a") == Blob(data, etag)
    await storage.put("empty", b"")
    empty = await storage.read("empty")
    assert empty is not None
    assert empty.data == b""


async def test_an_unchanged_blob_is_not_read_again(storage: Storage) -> None:
    first = await storage.replace("a", b"1", None)
    assert await storage.read("a", unless=first) == Blob(b"", first)
    second = await storage.replace("a", b"2", first)
    assert second != first
    assert await storage.read("a", unless=first) == Blob(b"2", second)
    await storage.delete("a")
    assert await storage.read("a", unless=second) is None


async def test_a_part_of_a_blob_comes_with_the_time_of_its_writing(storage: Storage) -> None:
    await storage.put("a", b"0123456789")
    part = await storage.read_range("a", 3, 4)
    assert part is not None
    assert part.data == b"3456"
    assert abs(datetime.now(UTC) - part.modified) < timedelta(minutes=1)
    end = await storage.read_range("a", 8, 100)
    assert end is not None
    assert end.data == b"89"


async def test_a_download_fills_a_file_or_leaves_it(storage: Storage, file: Path) -> None:
    assert not await storage.download("a", file)
    assert content(file) == b"of a file"
    await storage.put("a", b"1")
    assert await storage.download("a", file)
    assert content(file) == b"1"


async def test_a_conditional_write_gives_way_to_any_other(storage: Storage, settings: Settings) -> None:
    other = Storage(settings)
    first = await storage.replace("a", b"1", None)
    with pytest.raises(Conflict):
        await other.replace("a", b"2", None)
    second = await other.replace("a", b"2", first)
    with pytest.raises(Conflict):
        await storage.replace("a", b"3", first)
    assert await storage.read("a") == Blob(b"2", second)
    await other.delete("a")
    with pytest.raises(Conflict):
        await storage.replace("a", b"3", second)
    assert await storage.read("a") is None
    await other.close()


async def test_of_many_conditional_writes_at_once_one_wins(storage: Storage) -> None:
    etag = await storage.replace("a", b"0", None)
    writes = (storage.replace("a", b"%d" % number, etag) for number in range(1, 9))
    written = await asyncio.gather(*writes, return_exceptions=True)
    [winner] = [number for number, one in enumerate(written, 1) if isinstance(one, str)]
    assert await storage.read("a") == Blob(b"%d" % winner, str(written[winner - 1]))
    assert all(isinstance(one, str | Conflict) for one in written)


async def test_a_file_is_created_once(storage: Storage, file: Path) -> None:
    other = Path(__file__)
    assert await storage.create("a", file)
    created = await storage.read("a")
    assert not await storage.create("a", other)
    assert await storage.read("a") == created
    assert created is not None
    assert created.data == b"of a file"


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The answers to the first upload of each blob that is named here are lost: the SDK sends it again."""
    names: list[str] = []
    send = AioHttpTransport.send

    async def losing(self: AioHttpTransport, request: Any, **options: Any) -> Any:
        answer = await send(self, request, **options)
        name = urlsplit(request.url).path.rpartition("/")[2]
        if name in names and request.method == "PUT" and "restype" not in request.url:
            names.remove(name)
            raise ServiceResponseError("the connection was lost")
        return answer

    monkeypatch.setattr(AioHttpTransport, "send", losing)
    monkeypatch.setitem(storage_module.RETRIES, "initial_backoff", 0.01)
    monkeypatch.setitem(storage_module.RETRIES, "random_jitter_range", 0)
    return names


async def test_a_write_whose_answer_was_lost_is_no_conflict(storage: Storage, file: Path, lost: list[str]) -> None:
    lost += ["new", "file"]
    first = await storage.replace("new", b"1", None)
    assert await storage.read("new") == Blob(b"1", first)
    lost += ["new"]
    second = await storage.replace("new", b"2", first)
    assert await storage.read("new") == Blob(b"2", second)
    assert await storage.create("file", file)
    assert lost == []


async def test_what_somebody_else_wrote_is_a_conflict_though_an_answer_was_lost(
    storage: Storage, file: Path, lost: list[str]
) -> None:
    first = await storage.replace("a", b"1", None)
    await storage.replace("a", b"2", first)
    lost += ["a"]
    with pytest.raises(Conflict):
        await storage.replace("a", b"3", first)
    assert lost == []
    await storage.put("longer", content(file) + b" and more")
    await storage.put("shorter", content(file)[:-1])
    assert not await storage.create("longer", file)
    assert not await storage.create("shorter", file)


async def test_a_put_replaces_whatever_is_there(storage: Storage) -> None:
    await storage.put("a", b"1")
    await storage.put("a", b"2")
    blob = await storage.read("a")
    assert blob is not None
    assert blob.data == b"2"


async def test_names_are_those_with_the_prefix_in_order(storage: Storage) -> None:
    for name in ("b/2", "b/1", "a", "b/1/c", "bb"):
        await storage.put(name, b"")
    assert await storage.names("b/") == ["b/1", "b/1/c", "b/2"]
    assert await storage.names("") == ["a", "b/1", "b/1/c", "b/2", "bb"]
    assert await storage.names("c") == []


async def test_what_is_deleted_is_gone_and_may_be_deleted_again(storage: Storage) -> None:
    await storage.put("a", b"1")
    await storage.put("ab", b"2")
    await storage.delete("a")
    await storage.delete("a")
    assert await storage.names("") == ["ab"]


async def test_a_missing_container_holds_nothing(storage: Storage, tmp_path: Path) -> None:
    assert await storage.read("a") is None
    assert await storage.read("a", unless='"0x1"') is None
    assert await storage.read_range("a", 0, 1) is None
    assert not await storage.download("a", tmp_path / "file")
    assert await storage.names("") == []
    await storage.delete("a")


async def test_the_first_write_makes_the_container(storage: Storage, settings: Settings, file: Path) -> None:
    with pytest.raises(Conflict):
        await storage.replace("a", b"1", '"0x1"')
    others = [Storage(settings) for _ in range(3)]
    await asyncio.gather(others[0].put("put", b"1"), others[1].replace("new", b"1", None), others[2].create("c", file))
    assert await storage.names("") == ["c", "new", "put"]
    for other in others:
        await other.close()


@pytest.mark.parametrize("call", CALLS)
async def test_storage_that_is_away_is_said_to_be(
    call: str, settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(storage_module.RETRIES, "retry_total", 0)
    away = Storage(dataclasses.replace(settings, storage_connection_string=connection_string(free_port())))
    with pytest.raises(StorageUnavailable):
        await CALLS[call](away, file)
    assert content(file) == b"of a file"
    await away.close()


@pytest.mark.parametrize("call", CALLS)
async def test_storage_that_refuses_us_is_no_empty_storage(
    call: str, storage: Storage, settings: Settings, file: Path
) -> None:
    await storage.put("a", b"1")
    text = settings.storage_connection_string.replace("AccountKey=E", "AccountKey=F")
    stranger = Storage(dataclasses.replace(settings, storage_connection_string=text))
    with pytest.raises(StorageUnavailable):
        await CALLS[call](stranger, file)
    assert await storage.names("") == ["a"]
    await stranger.close()


async def test_only_what_is_there_is_overwritten(storage: Storage, file: Path) -> None:
    with pytest.raises(Conflict):
        await storage.overwrite("a", file)
    assert await storage.read("a") is None
    await storage.put("a", b"before")
    await storage.overwrite("a", file)
    found = await storage.read("a")
    assert found is not None
    assert found.data == b"of a file"
