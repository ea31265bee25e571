"""Requests that are dear to read or to predict, beside the event loop: one at a time per loop, and loops take turns."""

import asyncio
import contextlib
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec

from shared import scratch
from shared.errors import ApiError
from shared.loops import artifacts
from shared.loops.artifacts import Artifact
from shared.rank.aside_process import LENGTH, LONGEST_PREDICTION, Answer, Question
from shared.rank.ranking import Asked
from shared.rank.slots_ranking import SlotsAsked
from shared.rank.wire import FeatureScore
from shared.storage import Storage
from shared.vw import confinement
from shared.vw.model import PredictionError
from shared.vw.sampling import Ranking

# A loop that asks for more than it gets is told so after this time (s), and when to ask again.
LONGEST_WAIT = 2.0


class Served(msgspec.Struct, frozen=True):
    """A model as a question names it: by a name that says version and options, and where its file is."""

    name: str
    artifact: Artifact
    options: tuple[str, ...]


class Aside:
    """A child process that predicts; it starts with the first question and again if it has ended."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._process: asyncio.subprocess.Process | None = None
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._turn = asyncio.Lock()  # the queue is in order: a loop that asks again stands behind the others
        self._decoder, self._encoder = msgspec.msgpack.Decoder(Answer), msgspec.msgpack.Encoder()

    async def predict(self, loop: str, model: Served, context: bytes, count: int) -> list[float]:
        """`Model.predict` of a loop's model; raises PredictionError, OperationNotAllowed if the loop asks too much."""
        answer = await self._ask(loop, model, Question("actions", context, model.name, count=count))
        assert answer.pmf is not None
        return answer.pmf

    async def predict_slots(self, loop: str, model: Served, context: bytes, count: int) -> list[Ranking]:
        """`Model.predict_slots`; raises as `predict`."""
        answer = await self._ask(loop, model, Question("slots", context, model.name, count=count))
        assert answer.rankings is not None
        return answer.rankings

    async def shares(self, loop: str, model: Served, context: bytes, order: Sequence[int]) -> list[list[FeatureScore]]:
        """`explanation.shares`; raises as `predict`."""
        answer = await self._ask(loop, model, Question("shares", context, model.name, order=list(order)))
        assert answer.shares is not None
        return answer.shares

    async def read(self, loop: str, body: bytes, arguments: str) -> tuple[Asked, bool]:
        """What a request asks of a model under a policy, and whether it defers its activation.

        It is to be predicted here, too. Raises ApiError as `wire.rank_request` and `ranking.ask`, else as `predict`.
        """
        answer = await self._answered(loop, Question("body", body, arguments=arguments))
        assert answer.asked is not None
        return answer.asked, answer.deferred

    async def read_slots(self, loop: str, body: bytes, arguments: str) -> tuple[SlotsAsked, bool]:
        """`read` of a multi-slot request."""
        answer = await self._answered(loop, Question("slots body", body, arguments=arguments))
        assert answer.slots_asked is not None
        return answer.slots_asked, answer.deferred

    @property
    def process(self) -> int | None:
        """The id of the process, None if none runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            process, self._process = self._process, None
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _answered(self, loop: str, question: Question) -> Answer:
        async with self._waited(loop):
            answer = await self._exchange(question)
        if (refused := answer.refused) is not None:
            raise ApiError(refused.code, refused.message, target=refused.target, inner=refused.inner)
        return answer

    async def _ask(self, loop: str, model: Served, question: Question) -> Answer:
        async with self._waited(loop):
            answer = await self._exchange(question)
            if answer.unknown:  # others have their turns while its model is fetched
                with scratch.folder() as folder:
                    question.file = str(await self._fetch(model.artifact, Path(folder, "predict.vw")))
                    question.options = list(model.options)
                    answer = await self._exchange(question)
        if answer.failure is not None:
            raise PredictionError(answer.failure)
        return answer

    async def _fetch(self, artifact: Artifact, target: Path) -> Path:
        """A model that retention has deleted is being replaced in this process, too."""
        try:
            return await artifacts.fetch(self._storage, artifact, target)
        except artifacts.DamagedArtifact as error:
            message = f"The model is being replaced ({error}); try again."
            raise ApiError("OperationNotAllowed", message, retry_after=2) from None

    @contextlib.asynccontextmanager
    async def _waited(self, loop: str) -> AsyncIterator[None]:
        lock = self._turns[loop]
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await lock.acquire()
        except TimeoutError:
            busy = "The loop is busy with requests that take long; send fewer of them, or fewer features."
            raise ApiError("OperationNotAllowed", busy, inner="Busy", retry_after=2) from None
        try:
            yield
        finally:
            lock.release()

    async def _exchange(self, question: Question) -> Answer:
        async with self._turn:
            process = await self._started()
            return self._decoder.decode(await self._exchanged(process, self._encoder.encode(question)))

    async def _exchanged(self, process: asyncio.subprocess.Process, message: bytes) -> bytes:
        """One message and what answers it. A process that crashes, hangs or is left in the middle is ended."""
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(LONGEST_PREDICTION):
                process.stdin.write(LENGTH.pack(len(message)) + message)
                await process.stdin.drain()
                (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
                return await process.stdout.readexactly(length)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            await self.close()
            raise PredictionError("Vowpal Wabbit crashed on the request, or did not end") from None
        except BaseException:
            await self.close()
            raise

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "shared.rank.aside_process"),
                env=confinement.environment(),
                cwd=Path(__file__).parents[2],
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        return self._process
