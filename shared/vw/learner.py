"""Learning a batch with VW's native driver, in a process of its own that learns while the batch is still joined.

VW never releases the interpreter's lock and may abort on what it cannot read, so a fork of a process that has it loaded
learns while the function app goes on answering. Its exit status: 0: both models are written and valid; REFUSED: the new
model is not fit to serve.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Awaitable
from pathlib import Path
from typing import BinaryIO, Self, TypeVar

from shared.vw import calibrating, dsjson, policy
from shared.vw.learning import REFUSED, TrainingRefused
from shared.vw.writer import Writer
from shared.vw.zygote import Fork, Zygote
from shared.vw.zygote_process import Order

T = TypeVar("T")
# What a process dies of by its own fault, and would die of again. Killed from outside, it did nothing wrong.
CRASHES = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
SAMPLE_BYTES = 100_000  # of events that the new model is tried on
# The dearest event takes some seconds, and a step is a megabyte of events.
LONGEST_STEP_SECONDS = 120.0
PIPE_BYTES = 1 << 20  # as much as Linux allows a user by default


class Learner:
    """A training process. Leaves `model.vw` (the trainer's state) and `predict.vw` (the copy that serves) in `folder`.

    arguments: the policy, used for a new model. previous: the state to go on from. Killed if it is not finished.
    """

    def __init__(self, process: Fork, events: BinaryIO, folder: Path, *, multi_slot: bool) -> None:
        self.model, self.predict = folder / "model.vw", folder / "predict.vw"
        self.expected = folder / calibrating.EXPECTED
        self._multi_slot = multi_slot
        self._process, self._events, self._errors = process, Writer(events), folder / "training.log"
        self._sample, self._sampled = folder / "sample.dsjson", b""

    @classmethod
    async def start(
        cls,
        zygote: Zygote,
        arguments: str,
        previous: Path | None,
        folder: Path,
        predictions: Path | None = None,
        *,
        serves: bool = True,
        learns: bool = True,
        judges: bool = False,
    ) -> Self:
        """predictions: where the pmf of each event goes, before it is learned. serves: False for a model that only goes
        on learning: there is no copy that serves. learns: False for a model that only predicts. judges: True to have
        what the state before expects of some events in `expected`."""
        order = Order(
            arguments,
            previous=str(previous) if previous else None,
            predictions=str(predictions) if predictions else None,
            folder=str(folder),
            serves=serves,
            learns=learns,
            judges=judges,
        )
        # A pipe of our own: what the event loop makes may be a socket, which VW cannot open by name.
        reading, writing = os.pipe()
        _widen(writing)
        events = os.fdopen(writing, "wb")
        try:
            with (folder / "training.log").open("wb") as errors, os.fdopen(reading, "rb") as read_end:
                process = await zygote.fork(order, read_end.fileno(), errors.fileno())
        except BaseException:
            events.close()
            raise
        return cls(process, events, folder, multi_slot=policy.parse(arguments).is_multi_slot)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    async def is_ready(self, patience: float | None) -> bool:
        """Waits until the learner has taken what it was fed, for `patience` seconds at most; False if it has not."""
        if patience is None:
            return True
        return await self._events.is_free(patience)

    async def feed(self, lines: bytes) -> None:
        """Hands over lines of dsjson, but those of the other kind of policy; waits when the learner is far behind."""
        lines = dsjson.of_kind(lines, self._multi_slot)
        if len(self._sampled) < SAMPLE_BYTES:
            self._sampled += lines
        with contextlib.suppress(ConnectionError):  # it ended: `finish` tells why
            await self._progress(self._events.write(lines))

    async def finish(self) -> None:
        """Returns when both models are written and valid; raises TrainingRefused, or OSError if it was killed."""
        self._sample.write_bytes(self._sampled)
        with contextlib.suppress(ConnectionError):
            await self._progress(self._events.close())
        status = await self._progress(self._process.wait())
        if status == 0:
            return
        reason = self._errors.read_text(errors="replace").strip().rpartition("\n")[2]
        if status == REFUSED:
            raise TrainingRefused(reason)
        if -status in CRASHES:
            raise TrainingRefused(f"Vowpal Wabbit ended with {signal.Signals(-status).name}: {reason}")
        raise OSError(f"training ended with status {status}: {reason}")

    async def _progress(self, step: Awaitable[T]) -> T:
        """The result of a step; ends the learner and raises OSError if the step takes too long for any work."""
        try:
            async with asyncio.timeout(LONGEST_STEP_SECONDS):
                return await step
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise OSError(f"the learner made no progress in {LONGEST_STEP_SECONDS:g} s") from None

    async def kill(self) -> None:
        """Ends it if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        with contextlib.suppress(ConnectionError):
            await self._events.close()


def _widen(pipe: int) -> None:
    """Lets VW read on while the next events are joined, where the system can."""
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
