"""Learning a batch with VW's native driver, in a process of its own that learns while the batch is still joined.

VW never releases the interpreter's lock and may abort on what it cannot read, so `python -m shared.vw.learner` trains
while the function app goes on answering. Exit status: 0: both models are written and valid; REFUSED: the new model is
not fit to serve.
"""

import argparse
import asyncio
import contextlib
import fcntl
import itertools
import os
import signal
import sys
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, TypeVar

import msgspec

from shared.vw import dsjson, policy
from shared.vw.dsjson import Question
from shared.vw.writer import Writer

if TYPE_CHECKING:
    from shared.vw.model import Model

T = TypeVar("T")
REFUSED = 3
# What a process dies of by its own fault, and would die of again. Killed from outside, it did nothing wrong.
CRASHES = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
VALIDATED_EVENTS, SAMPLE_BYTES = 50, 100_000
# The dearest event takes some seconds, and a step is a megabyte of events.
LONGEST_STEP_SECONDS = 120.0
PIPE_BYTES = 1 << 20  # as much as Linux allows a user by default


class TrainingRefused(Exception):
    """The batch, or the model made of it, is not fit: VW refused or crashed, or it predicts no distribution."""


class Learner:
    """A training process. Leaves `model.vw` (the trainer's state) and `predict.vw` (the copy that serves) in `folder`.

    arguments: the policy, used for a new model. previous: the state to go on from. Killed if it is not finished.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, events: BinaryIO, folder: Path, *, multi_slot: bool
    ) -> None:
        self.model, self.predict = folder / "model.vw", folder / "predict.vw"
        self._multi_slot = multi_slot
        self._process, self._events, self._errors = process, Writer(events), folder / "training.log"
        self._sample, self._sampled = folder / "sample.dsjson", b""

    @classmethod
    async def start(cls, arguments: str, previous: Path | None, folder: Path) -> Self:
        command = [sys.executable, "-m", "shared.vw.learner", f"--arguments={arguments}", "--folder", str(folder)]
        command += ["--previous", str(previous)] if previous else []
        # A pipe of our own: what the event loop makes may be a socket, which VW cannot open by name.
        reading, writing = os.pipe()
        _widen(writing)
        events = os.fdopen(writing, "wb")
        with (folder / "training.log").open("wb") as errors, os.fdopen(reading, "rb") as read_end:
            process = await asyncio.create_subprocess_exec(
                *command,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
                cwd=Path(__file__).parents[2],
                stdin=read_end,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=errors,
            )
        multi_slot = policy.parse(arguments).is_multi_slot
        return cls(process, events, folder, multi_slot=multi_slot)

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


def learn(arguments: str, previous: Path | None, batch: Path, model: Path) -> None:
    """One pass of VW's native driver over the batch; raises RuntimeError if VW refuses."""
    import vowpalwabbit

    start = ["-i", str(previous), *policy.parse(arguments).learning_options] if previous else arguments.split()
    options = ["--dsjson", "--save_resume", "--preserve_performance_counters", "--quiet"]
    vowpalwabbit.Workspace(arg_list=[*start, "-d", str(batch), *options, "-f", str(model)]).finish()


def reduce(model: Path, predict: Path) -> None:
    """Writes the copy of a model that predicts the same and cannot learn, without the learner's state."""
    import vowpalwabbit

    options = ["--predict_only_model", "--testonly", "--quiet", "-f", str(predict)]
    vowpalwabbit.Workspace(arg_list=["-i", str(model), *options]).finish()


def validate(predict: Path, sample: Iterable[bytes]) -> None:
    """Raises TrainingRefused unless the model gives a distribution over the actions of these events."""
    from shared.vw.model import Model, PredictionError

    model = Model("candidate", predict)
    for line in sample:
        event = msgspec.json.decode(line, type=Question)
        try:
            pmfs = _predictions(model, event)
        except PredictionError as error:
            raise TrainingRefused(f"the new model does not predict: {error}") from None
        for pmf in pmfs:
            if abs(sum(pmf) - 1) > 1e-3:
                raise TrainingRefused(f"the new model's probabilities sum to {sum(pmf)}")


def _predictions(model: "Model", event: Question) -> list[list[float]]:
    context = bytes(event.c)
    if model.multi_slot:
        return [slot.probabilities for slot in model.predict_slots(context, len(event.slots or ()))]
    return [model.predict(context, len(event.a or ()))]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m shared.vw.learner", description="Learns dsjson from standard input."
    )
    parser.add_argument("--arguments", required=True, help="VW arguments of a new model")
    parser.add_argument("--previous", type=Path, help="model to go on from")
    parser.add_argument(
        "--folder", type=Path, required=True, help="where both models go, and the sample to validate on"
    )
    given = parser.parse_args()
    model, predict = given.folder / "model.vw", given.folder / "predict.vw"
    try:
        learn(given.arguments, given.previous, Path("/dev/stdin"), model)
        reduce(model, predict)
        with (given.folder / "sample.dsjson").open("rb") as sample:
            validate(predict, itertools.islice(sample, VALIDATED_EVENTS))
    except (RuntimeError, TrainingRefused) as error:
        print(error, file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
