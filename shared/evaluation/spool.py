"""The log on disk by spans of time, while it is evaluated: read once, wherever it is, and by every policy again."""

from collections import Counter, OrderedDict
from datetime import UTC
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from shared.evaluation.features import Seen
from shared.evaluation.multi_slot.slot_sums import MOST_SLOTS
from shared.evaluation.plan import FIVE_MINUTES_MS, Stretch, stretches
from shared.evaluation.short_log import Times
from shared.evaluation.slots import slot_events
from shared.vw import dsjson
from shared.vw.dsjson import Dated
from shared.vw.schema import Schema, Tally

OPEN_FILES = 64
# Of so many events the namespaces are looked at, and of one in so many after them.
LOOKED_AT, SAMPLED = 1_000, 100


class _Context(msgspec.Struct, gc=False):
    c: msgspec.Raw


_context = msgspec.json.Decoder(_Context).decode
_dated = msgspec.json.Decoder(Dated).decode


class Period(NamedTuple):
    """From `since` to before `until`, ms since 1970; None for no bound."""

    since: int | None = None
    until: int | None = None

    def holds(self, at: int) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


class Spool:
    """counts: lines by the start of their span (ms since 1970). skipped: lines that are no events, by reason.

    span: its length (ms), five minutes, or less of a short log once it is closed.

    features: of the events that were looked at. first, last: the times of the first and the last event, within the
    period or outside (ms).
    """

    def __init__(self, folder: Path, period: Period) -> None:
        folder.mkdir(parents=True)
        self.folder, self.period = folder, period
        self.counts: Counter[int] = Counter()
        self.span, self._times = FIVE_MINUTES_MS, Times()
        self.skipped: Counter[str] = Counter()
        self.first: int | None = None
        self.last: int | None = None
        self.outside = 0
        self.features = Seen()
        self._begins: int | None = None
        self._ends: int | None = None
        self._files: OrderedDict[int, BinaryIO] = OrderedDict()
        self._tally, self._looked, self._latest = Tally(), 0, dict[str, Any]()
        self._looked_at, self._several = 0, 0
        self._slots, self._places = Counter[str](), Counter[str]()

    @property
    def events(self) -> int:
        """Lines within the period."""
        return self.counts.total()

    @property
    def is_multi_slot(self) -> bool:
        """True if most events that were looked at decide about several slots."""
        return 2 * self._several > self._looked_at

    @property
    def slots(self) -> list[str]:
        """The ids of the commonest slots, in the order in which events have them."""
        common = sorted(self._slots, key=lambda name: (-self._slots[name], name))[:MOST_SLOTS]
        return sorted(common, key=lambda name: (self._places[name] / self._slots[name], name))

    @property
    def schema(self) -> Schema:
        """The crossings of a policy that crosses what the log has."""
        return self._tally.grown(Schema(), self._latest)

    def add(self, at: int, line: bytes) -> None:
        """A line, with its end or without; at: when it was ranked."""
        self.first = at if self.first is None else min(self.first, at)
        self.last = at if self.last is None else max(self.last, at)
        if not self.period.holds(at):
            self.outside += 1
            return
        self._begins = at if self._begins is None else min(self._begins, at)
        self._ends = at if self._ends is None else max(self._ends, at)
        start = self._start(at)
        self.counts[start] += 1
        self._times.add(start, at)
        self._file(start).write(line if line.endswith(b"\n") else line + b"\n")
        self._looked += 1
        if self._looked <= LOOKED_AT or self._looked % SAMPLED == 0:
            self._look(line)

    def add_lines(self, lines: bytes) -> None:
        """Lines of a loop's log, by the times that they say."""
        for line in lines.splitlines(keepends=True):
            try:
                time = _dated(line).at
                at = round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
            except (msgspec.DecodeError, UnicodeDecodeError, OverflowError):
                self.skipped["unreadable"] += 1
                continue
            self.add(at, line)

    def files(self, since: int, until: int) -> list[Path]:
        """Those that hold the lines from `since` to before `until`, ends of a stretch, in order."""
        since = self._start(since)
        return [self._path(start) for start in sorted(self.counts) if since <= start < until]

    def stretches(self) -> list[Stretch]:
        """Of the whole log, which begin and end with its events."""
        found = stretches(self.counts, self.span)
        if found and self._begins is not None and self._ends is not None:
            found[0] = msgspec.structs.replace(found[0], since=self._begins)
            found[-1] = msgspec.structs.replace(found[-1], until=self._ends + 1)
        return found

    def close(self) -> None:
        """Everything is added."""
        self._close_files()
        self.span = self._times.span()
        if self.span != FIVE_MINUTES_MS:
            self._cut_finer()

    def _cut_finer(self) -> None:
        self.counts.clear()
        coarse = self.folder / "coarse.dsjson"
        for start, times in self._times.by_start().items():
            self._path(start).rename(coarse)
            with coarse.open("rb") as lines:
                for at, line in zip(times, lines, strict=True):
                    self.counts[self._start(at)] += 1
                    self._file(self._start(at)).write(line)
            coarse.unlink()
        self._close_files()

    def _close_files(self) -> None:
        while self._files:
            self._files.popitem()[1].close()

    def _start(self, at: int) -> int:
        return at - at % self.span

    def _path(self, start: int) -> Path:
        return self.folder / f"{start}.dsjson"

    def _file(self, start: int) -> BinaryIO:
        file = self._files.get(start)
        if file is None:
            file = self._files[start] = self._path(start).open("ab")
            if len(self._files) > OPEN_FILES:
                self._files.popitem(last=False)[1].close()
        return file

    def _look(self, line: bytes) -> None:
        self._looked_at += 1
        if dsjson.is_multi_slot(line):
            self._look_at_slots(line)
            return
        try:
            context = msgspec.json.decode(_context(line).c)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if isinstance(context, dict) and context.get("_multi"):
            self._latest = context
            self._tally.add(context)
            self.features.add(context)

    def _look_at_slots(self, line: bytes) -> None:
        event, _ = slot_events.read(line)
        self._several += 1
        for place in range(len(event.slots)):
            name = event.name(place)
            self._slots[name] += 1
            self._places[name] += place
