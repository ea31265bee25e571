"""A loop's part in a pass over the hubs: which of the events that are read concern it, and what its run comes to."""

import asyncio
import logging
import time
from pathlib import Path

import msgspec

from shared import telemetry
from shared.hubs import events
from shared.hubs.reader import Message
from shared.joined_log.join import Joiner
from shared.joined_log.joined_lines import Joined
from shared.joined_log.log_file import Keyed
from shared.loops.checkpoint import Checkpoint, Plan
from shared.loops.config import DEFAULT_LOOP
from shared.loops.counts import Counts
from shared.storage import Storage
from shared.training import memory
from shared.training.new_model import NewModel
from shared.training.publication import Publication
from shared.training.run_files import Batch
from shared.training.trainee import Trainee
from shared.vw.learners import Learners

# A loop in which nothing happens is committed after so much time or so many messages of others, for a trainer that
# starts anew begins at its last commit.
LONGEST_SILENCE_MS, LONGEST_SILENCE = 3_600_000, 10_000
# Lines are written and fed to the learner in steps of so many bytes: each takes two threads.
STEP_BYTES = 262_144

_log = logging.getLogger(__name__)


class Run:
    """A loop's part in a pass over the hubs, in this order: `begin`, `observe`, `close_interaction` and `flush`, `end`.

    folder: its own, for its files. learners: how many runs may learn at once. alone: no other run is in the pass.
    """

    def __init__(
        self, storage: Storage, trainee: Trainee, before: Checkpoint, plan: Plan, folder: Path,
        learners: Learners, *, alone: bool = True,
    ) -> None:  # fmt: skip
        self.trainee, self.loop, self.before, self.plan = trainee, trainee.loop, before, plan
        self.observed = before.observations if trainee.joiner is None else before.observed
        self._storage, self._folder = storage, folder
        self._joined, self._size = list[tuple[int, Joined]](), 0
        self._model = NewModel(storage, trainee.home, before, plan, folder, learners, trainee.kept, alone=alone)
        self._has_told = False
        self._joiner: Joiner
        self._batch: Batch

    async def begin(self) -> None:
        """Takes the trainee's memory, or makes it again from storage."""
        self._folder.mkdir()
        joiner, self.trainee.joiner = self.trainee.joiner, None
        self._joiner = joiner or await memory.load(
            self._storage, self.trainee.home, self.before, self.plan, self._folder
        )
        self._batch = Batch(self.plan, self._joiner, self._folder, self.before.statistics, self.trainee.erased)

    def observe(self, message: Message, event: events.Observation, line: bytes) -> None:
        """Takes in an observation, unless an earlier run has done so and remembers it."""
        if message.sequence > self.observed[message.partition]:
            self._batch.observe(message, event, line, recalled=self._has_read(message))

    def close_interaction(self, message: Message, event: events.Interaction, line: bytes) -> bool:
        """Closes an interaction, unless an earlier run has done so; True if there is enough to `flush`."""
        if message.sequence <= self.before.interactions[message.partition]:
            return False
        joined = self._batch.close_interaction(event, message.at, line)
        if joined is not None:
            self._joined.append(joined)
            self._size += len(joined[1].line)
        return self._size >= STEP_BYTES

    def unreadable_observation(self, message: Message, line: bytes, error: ValueError) -> None:
        if not self._has_read(message):
            self._unreadable(message, line, error)

    def unreadable_interaction(self, message: Message, line: bytes, error: ValueError) -> None:
        if message.sequence > self.before.interactions[message.partition]:
            self._unreadable(message, line, error)

    def _unreadable(self, message: Message, line: bytes, error: ValueError) -> None:
        if isinstance(error, events.OtherVersion) and not self._has_told:
            self._has_told = True
            text = f"Events cannot be read, and are kept in the log of late events as they are: {error}."
            telemetry.error(_log, text, self.loop)
        self._batch.unreadable(message.at, line, str(error))

    def miss(self, hub: str, done: list[int], firsts: list[int]) -> None:
        """Counts the messages of a hub that expired before this loop had read them.

        done: the last ones that it is done with, by partition; firsts: the first ones of the pass.
        """
        lost = sum(max(0, first - 1 - last) for last, first in zip(done, firsts, strict=True))
        if lost:
            self._batch.expire(lost)
            text = f"{lost} messages of the {hub} expired in the event hub before they were read."
            telemetry.error(_log, text, self.loop)

    @property
    def is_learning(self) -> bool:
        """True if it holds one of the learners."""
        return self._model.is_learning

    async def flush(self) -> None:
        """Writes what was joined, and lets it be learned if a learner is free."""
        if not self._joined:
            return
        joined, self._joined, self._size = self._joined, [], 0
        if self._batch.learns:
            await self._model.begin()
        keyed: list[Keyed] = [(key, one.line) for key, one in joined]
        await asyncio.gather(self._model.feed([one for _, one in joined]), self._batch.write_joined(keyed))

    async def end(self, reached: list[int]) -> None:
        """Commits the run if there is something to commit, and gives the trainee its new state. May raise Conflict.

        reached: the positions of the pass in the interactions hub.
        """
        try:
            await self._end(reached)
        finally:
            await self.release()

    async def release(self) -> None:
        """Lets another run have its learner."""
        await self._model.release()

    async def close(self) -> None:
        """Ends what still runs."""
        await self.release()
        await self._batch.close()

    async def _end(self, reached: list[int]) -> None:
        await self.flush()
        self._batch.settle()
        after = self._after(reached)
        if self.before.plan is not None or self._is_worth(after):
            await self._batch.close()
            storing = Publication(self._storage, self.trainee, self.before, self.plan, self._folder, self._batch)
            after = await storing.store(after, self._joiner, self._model)
        self.trainee.checkpoint, self.trainee.joiner = after, self._joiner

    def _has_read(self, message: Message) -> bool:
        return message.sequence <= self.before.observed[message.partition]

    def _after(self, reached: list[int]) -> Checkpoint:
        observed = self.plan.observations
        firsts = [self._joiner.unsettled(partition) for partition in range(len(observed))]
        return msgspec.structs.replace(
            self.before,
            cut=self.plan.cut,
            interactions=[max(pair) for pair in zip(self.before.interactions, reached, strict=True)],
            observations=[head if first is None else first - 1 for first, head in zip(firsts, observed, strict=True)],
            observed=observed,
            statistics=self._batch.statistics,
        )

    def _is_worth(self, after: Checkpoint) -> bool:
        """Whether there is something to store.

        The default loop, which keeps what is unreadable for all of them, always says how far it has read.
        """
        if self._batch.counts != Counts() or self._model.is_due:
            return True
        before = self.before
        if (before.interactions, before.observed) == (after.interactions, after.observed):
            return False
        silence = time.time() * 1000 - before.committed, sum(after.interactions) - self.trainee.written
        return self.loop == DEFAULT_LOOP or silence[0] >= LONGEST_SILENCE_MS or silence[1] >= LONGEST_SILENCE
