"""One thread that does a partition's blocking writes: one hop there, one hop back, one write at a time."""

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

Work = Callable[[], None]
Done = Callable[[Exception | None], None]


class CommitThread:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: SimpleQueue[tuple[Work, Done] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def submit(self, work: Work, done: Done) -> None:
        """Run `work` in the thread, then `done` on the loop with the exception it raised, if any."""
        if self._thread is None:
            self._thread = Thread(target=self._run, daemon=True)
            self._thread.start()
        self._queue.put((work, done))

    def stop(self) -> None:
        """Wait until all submitted work is done; the `done` callbacks may still be on their way."""
        if self._thread:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while item := self._queue.get():
            work, done = item
            failure: Exception | None = None
            try:
                work()
            except Exception as error:  # whatever happens, producers waiting for this write get their answer
                failure = error
            self._loop.call_soon_threadsafe(done, failure)
