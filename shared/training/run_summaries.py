"""Summaries of runs made from their lines: one for each hour that is over, and of the current hour one for each run."""

from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path

from shared.joined_log import log_parts, summarised_lines
from shared.joined_log.log_parts import LATE, Part
from shared.joined_log.summarised_lines import Read
from shared.joined_log.summarising import Summarising
from shared.loops import summary, summary_names
from shared.loops.summary import HOUR_MS, Summary


class RunSummaries:
    """Takes in the lines of one run behind those of another. Memory holds the decisions of one hour at a time, what is
    made of the others is in a folder. now: the cut of the last run (ms). first: the earliest cut that was taken in.
    """

    def __init__(self, default_reward: float, now: int, folder: Path) -> None:
        self._default, self._now, self._folder = default_reward, now, folder
        self._at, self._one = -1, Summarising(default_reward)
        self.first: int | None = None

    def begin(self, file: str) -> None:
        """What follows is of this file of the log."""
        cut = cut_of(file)
        at = cut if cut // HOUR_MS == self._now // HOUR_MS else cut - cut % HOUR_MS
        if at != self._at:
            self._store()
            self._at, self._one = at, Summarising(self._default)
        late, joined = partial(summarised_lines.leave, self._one, cut), partial(summarised_lines.join, self._one)
        self._add: Callable[[Read], bool] = late if file.endswith(LATE) else joined
        self.first = cut if self.first is None else min(self.first, cut)

    def add(self, lines: Iterable[Read]) -> int:
        """Adds lines; how many of them were none that we know."""
        return sum([not self._add(line) for line in lines])

    def within(self, start: int, end: int) -> dict[int, Summary]:
        """The summaries of start..end (ms), the end excluded, by their hours, or cuts in the current hour."""
        self._store()
        found = sorted(int(file.name) for file in self._folder.iterdir())
        return {at: self._stored(at) for at in found if start <= at < end}

    def _stored(self, at: int) -> Summary:
        return summary.decode(str(at), (self._folder / str(at)).read_bytes())

    def _store(self) -> None:
        if self._at < 0:
            return
        made, file = self._one.finished(), self._folder / str(self._at)
        if file.exists():
            made.absorb(self._stored(self._at))
        file.write_bytes(summary.encode(made))
        self._at = -1


class Passing:
    """Makes summaries of parts of the log that are read for another purpose; others that come along are passed over."""

    def __init__(self, runs: RunSummaries, parts: Iterable[Part]) -> None:
        self._runs, self._wanted = runs, {(part.blob, part.file) for part in parts}
        self._seen = set[tuple[str, str]]()
        self._part: tuple[str, str] | None = None

    def begin(self, blob: str, file: str) -> None:
        """What follows is of this file of the log, as this blob has it."""
        self._part = (blob, file) if (blob, file) in self._wanted else None
        if self._part is not None:
            self._runs.begin(file)

    def add(self, lines: Iterable[Read]) -> None:
        """Adds lines."""
        if self._part is not None:
            self._runs.add(lines)

    def end(self) -> None:
        """All of the file was read, and is undamaged."""
        if self._part is not None:
            self._seen.add(self._part)

    def within(self, start: int, end: int, parts: Collection[Part]) -> dict[int, Summary] | None:
        """As of `RunSummaries`. parts: all that there are by now; None if it has not seen just these."""
        wanted = {one for one in self._wanted if start <= cut_of(one[1]) < end}
        if not wanted or wanted != {(part.blob, part.file) for part in parts} or not wanted <= self._seen:
            return None
        return self._runs.within(start, end)


def cut_of(file: str) -> int:
    """The cut (ms) of the run of a file of the log."""
    return summary_names.time_of(log_parts.run_of(file))
