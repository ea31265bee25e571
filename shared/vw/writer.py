"""Writing a file in a thread, while the next chunk is made."""

import asyncio
from typing import Generic, Protocol, TypeVar

Chunk = TypeVar("Chunk")
_Chunk = TypeVar("_Chunk", contravariant=True)


class _File(Protocol[_Chunk]):
    def write(self, chunk: _Chunk, /) -> object: ...

    def close(self) -> None: ...


class Writer(Generic[Chunk]):
    """A file written one chunk behind: `write` waits for the chunk before, so that memory holds two at most.

    What a write raises, the next call raises.
    """

    def __init__(self, file: _File[Chunk]) -> None:
        self._file = file
        self._writing: asyncio.Task[object] | None = None

    async def write(self, chunk: Chunk) -> None:
        await self.flush()
        self._writing = asyncio.create_task(asyncio.to_thread(self._file.write, chunk))

    async def is_free(self, patience: float) -> bool:
        """True once the chunk before is written, which is waited for so many seconds at most."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=patience)
        return self._writing is None or self._writing.done()

    async def flush(self) -> None:
        """Returns when everything is written."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing

    async def close(self) -> None:
        try:
            await self.flush()
        finally:
            await asyncio.to_thread(self._file.close)
