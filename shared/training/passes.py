"""One pass over both hubs for several loops: each line is decoded once and given to the run of its loop."""

from collections.abc import Callable, Iterable, Sequence

from shared.hubs import events
from shared.hubs.reader import Message
from shared.hubs.reader_pairs import Pair
from shared.loops.config import DEFAULT_LOOP
from shared.training.run import Run
from shared.training.run_files import merged


class Pass:
    """Feeds runs that share a plan but for their configurations. What cannot be read belongs to no loop; the default
    one keeps it. Events of loops that have no run here are passed over.

    drop: told of a run that has failed; the others go on.
    """

    def __init__(self, pair: Pair, runs: Sequence[Run], drop: Callable[[Run, Exception], None]) -> None:
        self._pair, self._plan, self._drop = pair, runs[0].plan, drop
        self._runs = {run.loop: run for run in runs}
        self._observed = _first([run.observed for run in runs])
        self._closed = _first([run.before.interactions for run in runs])

    async def observe(self) -> None:
        """Reads the observations that one of the runs has not read yet, up to the heads."""
        firsts = [through + 1 for through in self._plan.observations]  # without any message all have expired
        begun: set[int] = set()
        async for message in merged(self._pair.observations.read(self._observed, self._plan.observations)):
            if message.partition not in begun:
                begun.add(message.partition)
                firsts[message.partition] = message.sequence
            for line in message.body.splitlines():
                self._observe(message, line)
        for run in self._runs.values():
            run.miss("observations", run.observed, firsts)

    async def close(self) -> list[int]:
        """Reads the interactions that close; the positions that are reached in the interactions hub."""
        reached, plan = list(self._closed), self._plan
        firsts = [position + 1 for position in self._closed]
        async for message in merged(self._pair.interactions.read(self._closed, plan.interactions, until=plan.cut)):
            if reached[message.partition] == self._closed[message.partition]:
                firsts[message.partition] = message.sequence
            for run in self._joined(message):
                await self._flush(run)
            reached[message.partition] = message.sequence
        for run in self._runs.values():
            run.miss("interactions", run.before.interactions, firsts)
        return reached

    def _joined(self, message: Message) -> Iterable[Run]:
        """The runs that have joined much by now, with the interactions of a message."""
        joined = dict.fromkeys([self._close(message, line) for line in message.body.splitlines()])
        return [run for run in joined if run is not None]

    def _observe(self, message: Message, line: bytes) -> None:
        try:
            event = events.decode_observation(line)
        except ValueError as error:
            if DEFAULT_LOOP in self._runs:
                self._runs[DEFAULT_LOOP].unreadable_observation(message, line, error)
            return
        run = self._runs.get(event.loop)
        if run is not None:
            try:
                run.observe(message, event, line)
            except Exception as error:
                self._fail(run, error)

    def _close(self, message: Message, line: bytes) -> Run | None:
        """The run that has joined it, if that has joined much by now."""
        try:
            event = events.decode_interaction(line)
        except ValueError as error:
            if DEFAULT_LOOP in self._runs:
                self._runs[DEFAULT_LOOP].unreadable_interaction(message, line, error)
            return None
        run = self._runs.get(event.loop)
        if run is None:
            return None
        try:
            return run if run.close_interaction(message, event, line) else None
        except Exception as error:
            self._fail(run, error)
            return None

    async def _flush(self, run: Run) -> None:
        try:
            await run.flush()
        except Exception as error:
            self._fail(run, error)

    def _fail(self, run: Run, error: Exception) -> None:
        self._runs.pop(run.loop, None)
        self._drop(run, error)


def _first(positions: Sequence[list[int]]) -> list[int]:
    return [min(partition) for partition in zip(*positions, strict=True)]
