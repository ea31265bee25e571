"""One training run's events, on disk: the joined batch as it is logged, and what could not be joined."""

from __future__ import annotations

import asyncio
import heapq
from array import array
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

from shared import events, joined_log, late_log
from shared.checkpoint import Counts, Plan
from shared.join import Joiner
from shared.joined_log import join_line
from shared.log_file import LogFile
from shared.reader import Message
from shared.writer import Writer


class Batch:
    """Feeds messages through the join into two gzipped files: `lines` (dsjson, as `vw -d` reads it) and `late` (JSON
    lines). The same events give the same files.

    A context manager; `counts` is final after `settle`, the files are complete afterwards.
    """

    def __init__(self, loop: str, plan: Plan, joiner: Joiner, folder: Path) -> None:
        self.lines, self.late = folder / "batch.dsjson.gz", folder / "late.jsonl.gz"
        self._loop, self._config, self._cut, self._joiner = loop, plan.config, plan.cut, joiner
        self._wait = round(plan.config.wait * 1000)
        self._tally = dict.fromkeys(Counts.__struct_fields__, 0)

    async def __aenter__(self) -> Self:
        self._joined, self._late = LogFile(self.lines, joined_log.id_of), LogFile(self.late, late_log.id_of)
        self._lines = Writer(self._joined)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        await self._lines.close()
        self._late.close()

    @property
    def entries(self) -> tuple[array[int], array[int]]:
        """Where the events are in `lines` and `late`, as in `LogFile`; complete when the files are."""
        return self._joined.entries, self._late.entries

    @property
    def counts(self) -> Counts:
        return Counts(**self._tally)

    def observations(self, message: Message, recalled: bool) -> None:
        """Takes in a message of the observations hub; `recalled`: an earlier run had read it."""
        position = (message.partition, message.sequence)
        for line in message.body.splitlines():
            try:
                event = events.decode_observation(line)
            except ValueError:
                if not recalled:
                    self._keep("unreadable", message.at, line)
                continue
            if event.loop != self._loop:
                continue
            if recalled:
                self._joiner.recall(message.at, position, event, line, self._wait)
            elif not self._joiner.observe(message.at, position, event, line):
                self._keep("duplicate_observations", message.at, line)

    def interactions(self, message: Message) -> bytes:
        """Closes the interactions of a message; their joined lines."""
        joined = []
        for line in message.body.splitlines():
            try:
                event = events.decode_interaction(line)
            except ValueError:
                self._keep("unreadable", message.at, line)
                continue
            if event.loop == self._loop:
                joined.append(self._close(event, message.at, line))
        return b"".join(joined)

    async def keep(self, lines: bytes) -> None:
        """Writes joined lines to the file of the batch."""
        await self._lines.write(lines)

    def settle(self) -> None:
        """Ends the run: what can no longer be matched is kept with its reason."""
        for fate, at, line in self._joiner.settle(self._cut, self._wait):
            self._keep("late" if fate == "late" else "orphans", at, line)

    def _close(self, event: events.Interaction, at: int, line: bytes) -> bytes:
        matched = self._joiner.close(event.id, at, self._wait, _made(event))
        if matched is None:
            self._keep("duplicate_ranks", at, line)
            return b""
        joined = join_line(event, at, matched, self._config)
        self._tally["skipped" if joined.skipped else "learned"] += 1
        self._tally["matched"] += len(matched)
        self._tally["rewarded"] += joined.rewarded and not joined.skipped
        return joined.line

    def _keep(self, count: str, at: int, line: bytes) -> None:
        self._tally[count] += 1
        self._late.write(late_log.encode(count, at, line))


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
