"""One training run's events, gzipped: the joined batch as it is logged, and what could not be joined."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import AsyncGenerator, Container, Sequence
from datetime import datetime
from pathlib import Path

from shared.hubs import events
from shared.hubs.reader import Message
from shared.joined_log import unjoined_lines
from shared.joined_log.join import Joiner
from shared.joined_log.joined_lines import Joined, join_line
from shared.joined_log.log_file import Entries, Keyed, LogFile
from shared.joined_log.summarising import Summarising
from shared.joined_log.window_file import WindowFile
from shared.loops.apprentice import Lesson
from shared.loops.checkpoint import Plan
from shared.loops.counts import Counts
from shared.loops.reward_sums import Statistics
from shared.loops.summary import Summary
from shared.scratch import HELD
from shared.vw.writer import Writer

NAMED_ORPHANS = 3
# The fates of a summary that `Counts` names otherwise.
_FATES = {"learned": "shown"}


class Batch:
    """Feeds a loop's events through the join into two gzipped files: `lines` (dsjson, as `vw -d` reads it) and `late`
    (JSON lines). The same events give the same files.

    windows: a file of those of the interactions that it has closed. statistics: those of the loop before the run, to
    which it adds. They, `counts`, `summary` and `lessons` are final after `settle`, the files are complete after
    `close`. learns: it has a decision that is to be learned. erased: the keys of events of which nothing is kept.
    """

    summary: Summary

    def __init__(
        self, plan: Plan, joiner: Joiner, folder: Path, statistics: Statistics, erased: Container[int] = ()
    ) -> None:
        self._folder = folder
        self.windows = WindowFile(folder / "windows.gz")
        self._config, self._cut, self._joiner, self._erased = plan.config, plan.cut, joiner, erased
        self._wait = round(plan.config.wait * 1000)
        self._summarising = Summarising(plan.config.default_reward)
        self._others: Counter[str] = Counter()  # what the summary does not tell, by the names of `Counts`
        self.learns = False
        self.lessons: list[Lesson] = []
        self.orphaned: list[str] = []  # the event ids of the first few orphans
        self.statistics = statistics.copy()
        self._joined: LogFile | None = None
        self._late: LogFile | None = None
        self._writer: Writer[list[Keyed]] | None = None

    @property
    def lines(self) -> bytes | Path | None:
        """The joined lines, None if nothing was joined."""
        return self._joined.content if self._joined is not None else None

    @property
    def late(self) -> bytes | Path | None:
        """What could not be joined, None if there is nothing."""
        return self._late.content if self._late is not None else None

    @property
    def entries(self) -> tuple[Entries, Entries]:
        """Where the events are in `lines` and `late`, as in `LogFile`; complete when the files are."""
        none = Entries(self._folder / "none")
        joined, late = (log.entries if log is not None else none for log in (self._joined, self._late))
        return joined, late

    @property
    def counts(self) -> Counts:
        fates = {name: self.summary.fate(_FATES.get(name, name)) for name in Counts.__struct_fields__}
        return Counts(**{name: count + self._others[name] for name, count in fates.items()})

    def observe(self, message: Message, event: events.Observation, line: bytes, recalled: bool) -> None:
        """Takes in an observation; `recalled`: an earlier run had read it."""
        if self._erased and events.key_of(event.id) in self._erased:
            self._others["erased_observations"] += not recalled
            return
        position = (message.partition, message.sequence)
        if recalled:
            self._joiner.recall(message.at, position, event, line)
        elif not self._joiner.observe(message.at, position, event, line):
            self._write_unjoined("duplicate_observations", events.key_of(event.id), message.at, line)

    def close_interaction(self, event: events.Interaction, at: int, line: bytes) -> tuple[int, Joined] | None:
        """Closes an interaction; what was joined, behind the key of its id, None if nothing was."""
        key = events.key_of(event.id)
        if key in self._erased:
            self._others["erased"] += 1
            return None
        matched = self._joiner.close(key, at, self._wait, _made(event))
        if matched is None:
            self._write_unjoined("duplicate_ranks", key, at, line)
            return None
        self.windows.write(key, at + self._wait)
        joined = join_line(event, at, [observation for _, observation in matched], self._config)
        self._summarising.join(at, event, joined, len(matched), key)
        if not joined.skipped:
            self._learn(joined)
        if joined.lesson:
            self.lessons.append(joined.lesson)
        for observed, observation in matched:
            if observation.kind == "reward":
                self.statistics.wait(observed - at)
        return key, joined

    def expire(self, messages: int) -> None:
        """Counts messages that were gone before they could be read."""
        self._others["expired"] += messages

    def unreadable(self, at: int, line: bytes, why: str) -> None:
        """Keeps a line that is no event we know."""
        self._write_unjoined("unreadable", unjoined_lines.key_of_unreadable(line), at, line, why)

    async def write_joined(self, lines: list[Keyed]) -> None:
        """Writes joined lines to the file of the batch."""
        if self._writer is None:
            self._joined = LogFile(self._folder / "batch.dsjson.gz", HELD)
            self._writer = Writer(self._joined)
        await self._writer.write(lines)

    async def close(self) -> None:
        """Completes the files."""
        self.windows.close()
        if self._writer is not None:
            await self._writer.close()
        if self._late is not None:
            self._late.close()

    def settle(self) -> None:
        """Ends the run: what can no longer be matched is kept with its reason."""
        for fate, key, at, line in self._joiner.settle(self._cut, self._wait):
            self._write_unjoined("late" if fate == "late" else "orphans", key, at, line)
            if fate == "orphan" and len(self.orphaned) < NAMED_ORPHANS:
                self.orphaned.append(events.decode_observation(line).id)
        self.summary = self._summarising.finished()
        self.statistics.add(self.summary)

    def _learn(self, joined: Joined) -> None:
        """Tells apart what its kind or its mode keeps from being learned; it is shown all the same."""
        if joined.foreign or joined.logged:
            self._others["skipped" if joined.foreign else "logged"] += 1
            self._others["learned"] -= 1
            self._others["rewarded"] -= joined.rewarded
        else:
            self.learns = True

    def _write_unjoined(self, count: str, key: int | None, at: int, line: bytes, why: str = "") -> None:
        self._summarising.leave(self._cut, count)
        if self._late is None:
            self._late = LogFile(self._folder / "late.jsonl.gz", HELD)
        self._late.write([(key, unjoined_lines.encode(count, at, line, why))])


def _made(event: events.Interaction) -> int | None:
    try:
        return round(datetime.fromisoformat(event.at).timestamp() * 1000)
    except ValueError:
        return None


async def merged(partitions: Sequence[AsyncGenerator[Message, None]]) -> AsyncGenerator[Message, None]:
    """All messages in order of (enqueued time, partition, sequence number), each partition being in order."""
    firsts = await asyncio.gather(*(anext(source, None) for source in partitions))
    heap = [(first, source) for first, source in zip(firsts, partitions, strict=True) if first is not None]
    heapq.heapify(heap)
    while heap:
        message, source = heap[0]
        yield message
        following = await anext(source, None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (following, source))
