"""Making loops where storage gets in between: what is answered, and what is left of a loop that was not made."""

from collections.abc import AsyncIterator, Callable

import pytest
from harness.servers import Servers, shorten_pauses

from shared.admin import loops
from shared.errors import ApiError
from shared.loops import checkpoint
from shared.loops.registry import BLOB
from shared.serving.service import Service
from shared.settings import load
from shared.storage import Conflict, Storage


class Unanswered(Storage):
    """Storage that stores one blob, chosen by its name, without an answer: the repeated write finds it there."""

    lost: Callable[[str], bool] = staticmethod(lambda name: False)

    async def replace(self, name: str, data: bytes, etag: str | None) -> str:
        written = await super().replace(name, data, etag)
        if self.lost(name):
            self.lost = lambda name: False
            raise Conflict(f"{name} was written by somebody else")
        return written


@pytest.fixture
async def unanswered(
    servers: Servers, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Service, Unanswered]]:
    shorten_pauses(monkeypatch)
    service = Service(load(environment | servers.hubs()))
    storage = Unanswered(service.settings)
    service.storage = service.registry._storage = storage
    yield service, storage
    await service.close()


async def test_a_first_checkpoint_whose_writing_is_in_doubt_leaves_no_loop_behind(
    unanswered: tuple[Service, Unanswered],
) -> None:
    service, storage = unanswered
    storage.lost = lambda name: name.endswith(checkpoint.FILE)
    with pytest.raises(ApiError, match="try again") as refused:
        await loops.create(service, "shop")
    assert (refused.value.code, refused.value.retry_after) == ("OperationNotAllowed", 1)
    assert await service.registry.refresh() == {}
    made = await loops.create(service, "shop")
    assert made.app_keys is not None
    assert await service.registry.authorize("shop", made.app_keys[0]) is not None


async def test_a_loop_is_made_and_deleted_even_if_the_last_write_has_no_answer(
    unanswered: tuple[Service, Unanswered],
) -> None:
    service, storage = unanswered
    writes: list[str] = []

    def second(name: str) -> bool:
        writes.append(name)
        return name == BLOB and writes.count(BLOB) == 2

    storage.lost = second
    made = await loops.create(service, "shop")
    assert made.app_keys is not None
    assert await service.registry.authorize("shop", made.app_keys[0]) is not None
    writes.clear()
    storage.lost = second
    await loops.delete(service, "shop")
    assert await service.registry.refresh() == {}
