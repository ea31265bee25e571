"""The learning processes of a trainer: so many at once, forks of one process."""

import asyncio
from pathlib import Path

from shared.vw.learner import Learner
from shared.vw.zygote import Zygote


class Learners:
    """count: how many may learn at once."""

    def __init__(self, count: int, zygote: Zygote) -> None:
        self._free, self._zygote = asyncio.Semaphore(count), zygote

    def locked(self) -> bool:
        """True if none is free."""
        return self._free.locked()

    async def acquire(self) -> None:
        """Takes the place of one, to `start` it; waits until one is free."""
        await self._free.acquire()

    def release(self) -> None:
        """Gives the place back."""
        self._free.release()

    async def start(
        self, arguments: str, previous: Path | None, folder: Path, predictions: Path | None = None, *,
        judges: bool = False,
    ) -> Learner:  # fmt: skip
        """`Learner.start` in a place that is taken."""
        return await Learner.start(self._zygote, arguments, previous, folder, predictions, judges=judges)
