"""Old logs into a loop's joined log."""

import asyncio
import math
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from migration import decisions, files, labels
from migration.decisions import Unusable
from migration.hours import Hours
from migration.progress import Progress
from migration.report import Section, Tally
from shared.loops.blob_names import Home
from shared.loops.config import LoopConfig
from shared.storage import Storage

DUPLICATE = "in the log already, or a second time in these files"
DAY_MS = 86_400_000
YIELD_LINES = 100  # after which parts that are being stored go on
MULTI_SLOT_OPTION = "--ccb_explore_adf"
LAYOUT_ADVICE = (
    "a model that learned features of another layout gives them no weight when Rank is called; "
    "keep these events for evaluations of the past, or lay them out as FromUrl, i, j first"
)


class Destination(NamedTuple):
    """The log that decisions go to. storage: None in a dry run without one; `config`: what is in effect then, whose
    policy decides what fits the loop."""

    storage: Storage | None
    home: Home
    config: LoopConfig


class _TooOld(Unusable):
    """A decision that retention would delete at once."""


class _Outcome:
    def __init__(self) -> None:
        self.lines = self.learned = self.unlearned = 0
        self.too_old, self.oldest = 0, sys.maxsize  # ms since 1970
        self.skipped, self.notes = Tally(), Tally()
        self.anonymous: Counter[str] = Counter()  # lines without an EventId, by their digests
        self.unread = False


async def bring_in(
    paths: Iterable[Path], to: Destination, *, write: bool, fallback: datetime | None, asked: bool
) -> Section:
    """Reads files and folders; never ends at a bad line or file. write: False for a dry run.

    asked: the owner has named how long logs are kept, so that it is no failure to leave out what is older.
    """
    outcome, progress = _Outcome(), Progress()
    logs, others = files.found(paths)
    hours = Hours(to.storage, to.home, write=write)
    for file in others:
        outcome.skipped.add(f"no log by its name ({', '.join(files.SUFFIXES)}, also .gz)", str(file))
    for file in logs:
        await _file(file, to, hours, outcome, progress, fallback)
    await hours.close()
    progress.end(f"{outcome.lines:,} lines of {len(logs)} file{'' if len(logs) == 1 else 's'} read")
    section = _section(outcome, hours.parts, write)
    if outcome.too_old:
        _tell_too_old(section, outcome, to.config.retention_days, write, asked)
    return section


async def _file(
    file: Path, to: Destination, hours: Hours, outcome: _Outcome, progress: Progress, fallback: datetime | None
) -> None:
    multi_slot, days = MULTI_SLOT_OPTION in to.config.arguments, to.config.retention_days
    earliest, latest = _bounds(days)
    number, time = 0, fallback
    try:
        for number, line in enumerate(files.lines(file), 1):
            if not number % YIELD_LINES:
                await asyncio.sleep(0)
            if not line:
                continue
            outcome.lines += 1
            try:
                decision = decisions.read(line, multi_slot, time, outcome.anonymous)
                _check(decision.at, earliest, latest, days)
            except Unusable as reason:
                if isinstance(reason, _TooOld):
                    outcome.too_old += 1
                    outcome.oldest = min(outcome.oldest, decision.at)
                outcome.skipped.add(str(reason), f"{file.name}:{number}")
                continue
            if not await hours.add(decision):
                outcome.skipped.add(DUPLICATE, f"{file.name}:{number}")
                continue
            if decision.learned:
                outcome.learned += 1
            else:
                outcome.unlearned += 1
            told = labels.notes(decision.line, to.config) if decision.learned else []
            for note in (*decision.notes, *told):
                outcome.notes.add(note, f"{file.name}:{number}")
            if not number % 1000:
                progress.update(f"{file.name}: {number:,} lines; {outcome.learned:,} events so far")
    except files.UnreadableFile as error:
        outcome.unread = True
        outcome.skipped.add(
            f"a file that cannot be read (to its end): {error}", f"{file}:{number + 1}" if number else str(file)
        )


def _bounds(retention_days: int) -> tuple[int, int]:
    now = datetime.now(UTC)
    earliest = 0 if retention_days < 0 else round((now - timedelta(days=retention_days)).timestamp() * 1000)
    return earliest, round((now + timedelta(hours=1)).timestamp() * 1000)


def _check(at: int, earliest: int, latest: int, days: int) -> None:
    if at > latest:
        raise Unusable("its Timestamp is in the future")
    if at < 0:
        raise Unusable("its Timestamp is before 1970")
    if at < earliest:
        raise _TooOld(f"older than logRetentionDays ({days})")


def _section(outcome: _Outcome, parts: int, write: bool) -> Section:
    kept, already = outcome.learned + outcome.unlearned, outcome.skipped.counts.get(DUPLICATE, 0)
    done = f"written in {parts:,} part{'' if parts == 1 else 's'}" if write else "to be written"
    section = Section("logs", f"{kept:,} of {outcome.lines:,} events {done}", failed=not kept and not already)
    if section.failed:
        section.outcome = "nothing could be imported" + ("; the reasons are below" if outcome.skipped.total else "")
    section.failed |= outcome.unread
    section.rows.append(("to be learned", f"{outcome.learned:,}", ""))
    if outcome.unlearned:
        section.rows.append(("kept, not to be learned", f"{outcome.unlearned:,}", "deferred and never activated"))
    section.rows += [(f"noted: {note}", count, where) for note, count, where in outcome.notes.rows()]
    section.rows += [(f"skipped: {reason}", count, where) for reason, count, where in outcome.skipped.rows()]
    if outcome.notes.counts.get(decisions.OTHER_LAYOUT):
        section.advice.append(LAYOUT_ADVICE)
    return section


def _tell_too_old(section: Section, outcome: _Outcome, days: int, write: bool, asked: bool) -> None:
    """Says how many events were left out for their age, and which option keeps them."""
    section.failed |= not asked
    needed = math.ceil((datetime.now(UTC).timestamp() * 1000 - outcome.oldest) / DAY_MS) + 1
    left = "were left out" if write else "would be left out"
    section.outcome += f"; {outcome.too_old:,} {left} because of their age"
    section.advice.append(
        f"{outcome.too_old:,} of {outcome.lines:,} events are older than logRetentionDays ({days}) and {left}, "
        f"for they would be deleted at once: --retention-days -1 keeps all of them for ever, --retention-days {needed} "
        f"for now; --retention-days {days} says that they may be left out"
    )
