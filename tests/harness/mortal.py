"""A storage whose process ends: it fails at a given write, and at all that follow."""

import math
from typing import Any

from shared.settings import Settings
from shared.storage import Storage, StorageUnavailable


class Mortal(Storage):
    """`left` more writes are done, deletions among them. Names of writes, without the loop's folder."""

    left = math.inf

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.writes: list[str] = []

    def _write(self, name: str) -> None:
        if len(self.writes) >= self.left:
            raise StorageUnavailable("the process has ended")
        self.writes.append(name.split("/", 2)[2])

    async def replace(self, name: str, *given: Any) -> str:
        self._write(name)
        return await super().replace(name, *given)

    async def create(self, name: str, *given: Any) -> bool:
        self._write(name)
        return await super().create(name, *given)

    async def put(self, name: str, *given: Any) -> None:
        self._write(name)
        await super().put(name, *given)

    async def overwrite(self, name: str, *given: Any) -> None:
        self._write(name)
        await super().overwrite(name, *given)

    async def delete(self, name: str) -> None:
        self._write(name)
        await super().delete(name)
