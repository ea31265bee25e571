"""What an administrator asks of a service over its REST API."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import ClientError, ClientSession, ClientTimeout

TIMEOUT_SECONDS = 15


class Refused(Exception):
    """The service refused a call; the text says which and why."""


class Admin:
    """The calls of v1.0 for administrators, as an async context manager. They raise Refused or ClientError."""

    def __init__(self, url: str, key: str) -> None:
        headers = {"Ocp-Apim-Subscription-Key": key}
        self._base, self._health = f"{url}/personalizer/v1.0", f"{url}/health"
        self._session = ClientSession(headers=headers, timeout=ClientTimeout(TIMEOUT_SECONDS))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def configuration(self) -> dict[str, Any]:
        return await self._call("GET", f"{self._base}/configurations/service")

    async def configure(self, configuration: dict[str, Any]) -> None:
        await self._call("PUT", f"{self._base}/configurations/service", configuration)

    async def model_made(self) -> datetime | None:
        """When the current model was made; None before the first."""
        properties = await self._call("GET", f"{self._base}/model/properties")
        made = datetime.fromisoformat(properties["lastModifiedTime"])
        return made.astimezone(UTC) if made.year > 1 else None

    async def dropped(self) -> int:
        """Events that the service gave up while its log was away."""
        return int((await self._call("GET", self._health))["log"]["dropped"])

    async def _call(self, method: str, url: str, body: object = None) -> dict[str, Any]:
        async with self._session.request(method, url, json=body) as response:
            if response.status != 200:
                raise Refused(f"{method} {url} answered {response.status}: {(await response.text())[:300]}")
            answer: dict[str, Any] = await response.json()
            return answer


@asynccontextmanager
async def watchable(admin: Admin, wait_seconds: float) -> AsyncIterator[None]:
    """Has the service learn within seconds, and restores its configuration at the end."""
    before = await admin.configuration()
    await admin.configure(before | {"rewardWaitTime": f"PT{wait_seconds:g}S", "modelExportFrequency": "PT1S"})
    try:
        yield
    finally:
        try:
            await admin.configure(before)
        except (Refused, ClientError, TimeoutError) as error:
            print(f"the configuration could not be restored ({error}); it was: {before}", file=sys.stderr)
