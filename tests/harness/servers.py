"""Azurite and one Event Hubs server without the app, for tests that use the app's parts in their own process."""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from harness.system import ADMIN_KEY, APP_KEY, Part
from local import services
from local.eventhubs.process import EventHubsProcess
from shared.settings import Settings
from shared.storage import Storage

HUB_PAIRS, PARTITIONS = 64, 2
SDK_PAUSE_SECONDS = 0.002
PAUSING = (
    "_pyamqp.aio._client_async",
    "aio._client_base_async",
    "aio._eventprocessor.event_processor",
    "aio._transport._pyamqp_transport_async",
)


class Servers:
    """Two servers, with containers and event hubs that are handed out once."""

    def __init__(self, storage: str, event_hubs: str) -> None:
        self._common = {
            "APP_KEYS": APP_KEY,
            "ADMIN_KEYS": ADMIN_KEY,
            "CLOCK_SKEW_SECONDS": "0",
            "STORAGE_CONNECTION_STRING": storage,
            "EVENT_HUBS_CONNECTION_STRING": event_hubs,
            "EVENT_HUBS_PARTITIONS": str(PARTITIONS),
        }
        self._containers, self._pairs = count(), iter(range(HUB_PAIRS))

    def environment(self) -> dict[str, str]:
        """Settings with a container that does not exist yet, and event hubs that do not exist."""
        return self._common | {"STORAGE_CONTAINER": f"test-{next(self._containers)}"}

    def hubs(self) -> dict[str, str]:
        """The settings of two empty event hubs."""
        return dict(zip(("INTERACTIONS_HUB", "OBSERVATIONS_HUB"), hub_names(next(self._pairs)), strict=True))


class Overtaken(Storage):
    """Storage in which somebody else is faster: `others` write before each of the first `times` conditional writes."""

    def __init__(self, settings: Settings, others: Callable[[], Awaitable[object]], times: int) -> None:
        super().__init__(settings)
        self._others, self._times = others, times

    async def replace(self, name: str, data: bytes, etag: str | None) -> str:
        if self._times:
            self._times -= 1
            await self._others()
        return await super().replace(name, data, etag)


def hub_names(pair: int) -> tuple[str, str]:
    return f"interactions{pair}", f"observations{pair}"


@contextmanager
def serving(data: Path) -> Iterator[Servers]:
    """Both servers until the block ends."""
    hubs = [f"{name}:{PARTITIONS}" for pair in range(HUB_PAIRS) for name in hub_names(pair)]
    service = services.storage(data)
    storage = Part(service, data)
    storage.start()
    try:
        with EventHubsProcess(data / "eventhubs", *hubs) as event_hubs:
            storage.ready()
            yield Servers(service.settings["STORAGE_CONNECTION_STRING"], event_hubs.connection_string)
    finally:
        storage.end()


def shorten_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Event Hubs' SDK waits for answers by looking every 50 ms, and for ends every second. It looks sooner now."""
    for name in PAUSING:
        monkeypatch.setattr(importlib.import_module(f"azure.eventhub.{name}"), "asyncio", _ShortPauses())


class _ShortPauses:
    """asyncio, but for its pauses."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float, **_: Any) -> None:
        await asyncio.sleep(SDK_PAUSE_SECONDS if seconds <= 1 else seconds)
