"""The loops as several processes know them: who may do what, and how soon a change is known."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest
from harness.servers import Overtaken

from shared import auth
from shared.auth import Keys, Role
from shared.errors import ApiError
from shared.loops import checkpoint
from shared.loops import registry as registry_module
from shared.loops.blob_names import home_of
from shared.loops.checkpoint import Checkpoint
from shared.loops.registry import BLOB, LoopRecord, Loops, LoopsUnreadable, Registry
from shared.loops.unreadable import LaterVersion
from shared.settings import Settings
from shared.storage import Blob, Storage, StorageUnavailable

NEVER = 1e6
DEFAULT = Keys(auth.digests(["default app"]), owner=auth.digests(["owner"]))


@pytest.fixture
def here(storage: Storage) -> Registry:
    return Registry(storage, DEFAULT)


@pytest.fixture
async def elsewhere(settings: Settings) -> AsyncIterator[Registry]:
    """Another process."""
    storage = Storage(settings)
    yield Registry(storage, DEFAULT)
    await storage.close()


def record(*app: str, admin: str = "admin", created: str = "2026-01-01T00:00:00Z", ready: bool = True) -> LoopRecord:
    keys = ([auth.digest(key).hex() for key in role] for role in (app or ("app",), [admin]))
    return LoopRecord(created, *keys, ready=ready)


def adding(loop: str, added: LoopRecord) -> Callable[[Loops], Loops]:
    return lambda loops: loops | {loop: added}


async def test_changes_of_two_processes_at_once_are_all_made(here: Registry, elsewhere: Registry) -> None:
    names = [f"loop-{number}" for number in range(4)]
    await asyncio.gather(*((here, elsewhere)[n % 2].change(adding(name, record())) for n, name in enumerate(names)))
    assert sorted(await here.refresh()) == sorted(await elsewhere.refresh()) == names


async def test_a_change_is_made_again_of_what_another_process_has_written(
    settings: Settings, elsewhere: Registry
) -> None:
    storage = Overtaken(settings, lambda: elsewhere.change(adding("theirs", record())), times=1)
    registry = Registry(storage, DEFAULT)
    given: list[list[str]] = []

    def change(loops: Loops) -> Loops:
        given.append(sorted(loops))
        return loops | {"ours": record()}

    await registry.change(change)
    assert given == [[], ["theirs"]]
    assert registry.loops == {"theirs": record(), "ours": record()} == await elsewhere.refresh()
    await storage.close()


async def test_a_change_that_never_gets_through_asks_to_try_again(
    settings: Settings, elsewhere: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "ATTEMPTS", 3)
    storage = Overtaken(settings, lambda: elsewhere.change(adding("theirs", record())), times=3)
    registry = Registry(storage, DEFAULT)
    with pytest.raises(ApiError) as refused:
        await registry.change(adding("ours", record()))
    assert (refused.value.code, refused.value.retry_after) == ("OperationNotAllowed", 1)
    assert await registry.refresh() == {"theirs": record()}
    await storage.close()


async def test_a_change_that_is_refused_changes_nothing(here: Registry, storage: Storage) -> None:
    await here.change(adding("a", record()))
    before = await storage.read(BLOB)

    def refuse(loops: Loops) -> Loops:
        loops.clear()
        raise ApiError("LoopAlreadyExists")

    with pytest.raises(ApiError):
        await here.change(refuse)
    assert await storage.read(BLOB) == before
    assert here.loops == {"a": record()}


async def test_keys_have_their_role_in_their_loop_alone(here: Registry) -> None:
    await here.change(lambda _: {"a": record("old", "new", admin="boss"), "b": record("other")})
    roles = {key: here.role("a", key) for key in ("old", "new", "boss", "owner")}
    assert roles == {"old": Role.APP, "new": Role.APP, "boss": Role.ADMIN, "owner": Role.OWNER}
    assert [here.role("a", key) for key in ("other", "default app", "", "OLD")] == [None] * 4
    assert [here.role("b", key) for key in ("other", "old", "boss")] == [Role.APP, None, None]
    assert [here.role("default", key) for key in ("default app", "owner", "old")] == [Role.APP, Role.OWNER, None]
    assert [here.role("nowhere", key) for key in ("owner", "old", "default app")] == [Role.OWNER, None, None]


async def test_a_loop_that_is_not_ready_is_known_to_who_makes_it_alone(here: Registry, elsewhere: Registry) -> None:
    claim = record(ready=False)
    await here.change(adding("a", claim))
    for registry in (here, elsewhere):
        assert await registry.refresh() == {}
        assert registry.created("a") is None
        assert registry.role("a", "app") is None
        assert await registry.authorize("a", "app") is None
    found: list[Loops] = []
    await elsewhere.change(lambda loops: found.append(dict(loops)) or loops | {"a": record()})
    assert found == [{"a": claim}]
    assert (await here.refresh())["a"].ready


async def test_when_a_loop_was_made_is_told_of_those_that_there_are(here: Registry) -> None:
    await here.change(adding("a", record(created="2026-01-02T03:04:05Z")))
    assert here.created("a") == "2026-01-02T03:04:05Z"
    assert here.created("default") == ""
    assert here.created("b") is None


async def test_a_refresh_takes_what_others_changed_and_leaves_the_rest(here: Registry, elsewhere: Registry) -> None:
    await here.change(adding("a", record()))
    known = here.loops
    assert await here.refresh() is known
    await elsewhere.change(adding("b", record("theirs")))
    assert here.role("b", "theirs") is None
    assert sorted(await here.refresh()) == ["a", "b"]
    assert here.role("b", "theirs") is Role.APP


async def test_a_new_key_works_at_once_elsewhere(
    here: Registry, elsewhere: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "POLL_SECONDS", NEVER)
    monkeypatch.setattr(registry_module, "SOONEST_SECONDS", 0.0)
    await here.change(adding("a", record("first")))
    assert await elsewhere.authorize("a", "first") is Role.APP
    await here.change(adding("a", record("second")))
    assert await elsewhere.authorize("a", "second") is Role.APP
    assert await elsewhere.authorize("a", "first") is None


async def test_wrong_keys_do_not_make_a_process_ask_storage_again_and_again(
    here: Registry, elsewhere: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "POLL_SECONDS", NEVER)
    monkeypatch.setattr(registry_module, "SOONEST_SECONDS", NEVER)
    assert await elsewhere.authorize("a", "first") is None
    await here.change(adding("a", record("first")))
    assert await elsewhere.authorize("a", "first") is None
    monkeypatch.setattr(registry_module, "SOONEST_SECONDS", 0.0)
    assert await elsewhere.authorize("a", "first") is Role.APP


async def test_a_withdrawn_key_works_until_the_next_poll(
    here: Registry, elsewhere: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.change(adding("a", record("first")))
    await elsewhere.refresh()
    await here.change(adding("a", record("second")))
    monkeypatch.setattr(registry_module, "POLL_SECONDS", NEVER)
    for _ in range(3):
        assert await elsewhere.authorize("a", "first") is Role.APP
        await asyncio.sleep(0)
    monkeypatch.setattr(registry_module, "POLL_SECONDS", 0.0)
    async with asyncio.timeout(20):
        while await elsewhere.authorize("a", "first"):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert elsewhere.role("a", "second") is Role.APP


async def test_damage_leaves_the_loops_as_they_were_known_until_it_is_mended(
    here: Registry, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "SOONEST_SECONDS", 0.0)
    await here.change(adding("a", record()))
    good = await storage.read(BLOB)
    assert good is not None
    for damage in (b"", b"{", b"[]", good.data[:-1], good.data.replace(b"created", b"created_")):
        await storage.put(BLOB, damage)
        with pytest.raises(LoopsUnreadable, match=BLOB):
            await here.refresh()
        assert await here.authorize("a", "app") is Role.APP
        with pytest.raises(LoopsUnreadable):
            await here.authorize("b", "app")
        with pytest.raises(LoopsUnreadable):
            await here.change(adding("b", record()))
        assert here.loops == {"a": record()}
        left = await storage.read(BLOB)
        assert left is not None
        assert left.data == damage
    mended: Loops = {"b": record()}
    await storage.put(BLOB, msgspec.json.encode(mended))
    assert await here.authorize("b", "app") is Role.APP
    assert here.loops == mended


class Slow(Storage):
    """Storage whose first reading ends only when others have had their way."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.others: list[Callable[[], Awaitable[object]]] = []

    async def read(self, name: str, unless: str | None = None) -> Blob | None:
        blob = await super().read(name, unless)
        if self.others:
            await self.others.pop()()
        return blob


@pytest.mark.parametrize("changed", [False, True])
async def test_what_is_read_while_another_request_takes_the_loops_is_read_again(
    settings: Settings, elsewhere: Registry, changed: bool
) -> None:
    """The answer that nothing has changed was compared with the loops of the other request, and read as damage."""
    storage = Slow(settings)
    registry = Registry(storage, DEFAULT)
    await registry.change(adding("a", record()))
    if changed:
        await elsewhere.change(adding("b", record()))
    storage.others = [lambda: registry.change(adding("c", record()))]
    found = await registry.refresh()
    assert sorted(found) == (["a", "b", "c"] if changed else ["a", "c"])
    assert await registry.refresh() is found
    await storage.close()


async def test_a_list_that_is_gone_takes_no_loop_from_who_knows_it(
    here: Registry, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "SOONEST_SECONDS", 0.0)
    await here.change(adding("a", record()))
    kept = await storage.read(BLOB)
    assert kept is not None
    await storage.delete(BLOB)
    for _ in range(2):
        with pytest.raises(LoopsUnreadable, match="gone"):
            await here.refresh()
        with pytest.raises(LoopsUnreadable, match="gone"):
            await here.change(adding("b", record()))
    assert here.loops == {"a": record()}
    assert await here.authorize("a", "app") is Role.APP
    assert await here.authorize("a", "wrong") is None
    assert await here.authorize("default", "wrong") is None
    assert await storage.read(BLOB) is None
    await storage.put(BLOB, kept.data)
    assert await here.refresh() == {"a": record()}
    assert await here.authorize("b", "owner") is Role.OWNER


async def test_a_new_process_says_that_the_list_is_gone_if_there_are_loops(
    here: Registry, elsewhere: Registry, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "SOONEST_SECONDS", 0.0)
    home = home_of("shop", "2026-01-01T00:00:00Z")
    left = f"loops/{home_of('ended', '2025-01-01T00:00:00Z')}/models/1.vw"
    for name in ("loops/default/checkpoint.json", "loops/default/logs/1", left):
        await storage.put(name, b"x")
    assert await elsewhere.refresh() == {}
    assert await elsewhere.authorize("shop", "owner") is Role.OWNER
    await storage.put(checkpoint.name(home), checkpoint.encode(Checkpoint()))
    for key in ("app", "owner", ""):
        with pytest.raises(LoopsUnreadable, match=f"blobs of {home};"):
            await here.authorize("shop", key)
    assert await here.authorize("default", "default app") is Role.APP
    with pytest.raises(LoopsUnreadable):
        await here.change(adding("b", record()))
    assert await storage.read(BLOB) is None
    await storage.put(BLOB, msgspec.json.encode({"shop": record()}))
    assert await here.authorize("shop", "app") is Role.APP


async def test_the_end_of_the_last_loop_is_no_damage(here: Registry, elsewhere: Registry) -> None:
    await here.change(adding("a", record()))
    await here.change(lambda _: {})
    assert await elsewhere.refresh() == await here.refresh() == {}


async def test_only_a_list_with_readers_is_one_that_earlier_versions_refuse(here: Registry, storage: Storage) -> None:
    await here.change(adding("a", record()))
    plain = await storage.read(BLOB)
    await here.change(adding("b", msgspec.structs.replace(record(), reader=[auth.digest("see").hex()])))
    marked = await storage.read(BLOB)
    assert plain is not None
    assert marked is not None
    assert (b'"_v"' in plain.data, b'"_v":2' in marked.data) == (False, True)
    again = Registry(storage, DEFAULT)
    assert sorted(await again.refresh()) == ["a", "b"]
    assert (again.role("b", "see"), again.role("a", "see")) == (Role.READER, None)


async def test_a_list_of_a_later_version_is_named_and_left(here: Registry, storage: Storage) -> None:
    await here.change(adding("a", record()))
    later = b'{"_v":3,"loops":[]}'
    await storage.put(BLOB, later)
    for attempt in (here.refresh(), here.change(adding("b", record()))):
        with pytest.raises(LaterVersion, match=f"{BLOB} is of format 3"):
            await attempt
    assert here.loops == {"a": record()}
    blob = await storage.read(BLOB)
    assert blob is not None
    assert blob.data == later


async def test_a_new_process_that_cannot_reach_storage_does_not_say_that_there_is_no_such_loop(
    settings: Settings,
) -> None:
    class Away(Storage):
        async def read(self, name: str, unless: str | None = None) -> Blob | None:
            raise StorageUnavailable("away")

    storage = Away(settings)
    with pytest.raises(StorageUnavailable):
        await Registry(storage, DEFAULT).authorize("shop", "app")
    await storage.close()
