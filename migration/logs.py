"""Old logs into a loop's joined log."""

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


class _Outcome:
    def __init__(self) -> None:
        self.lines = self.learned = self.unlearned = 0
        self.skipped, self.notes = Tally(), Tally()
        self.anonymous: Counter[str] = Counter()  # lines without an EventId, by their digests
        self.unread = False


async def bring_in(paths: Iterable[Path], to: Destination, *, write: bool, fallback: datetime | None) -> Section:
    """Reads files and folders; never ends at a bad line or file. write: False for a dry run."""
    outcome, progress = _Outcome(), Progress()
    logs, others = files.found(paths)
    hours = Hours(to.storage, to.home, write=write)
    for file in others:
        outcome.skipped.add(f"no log by its name ({', '.join(files.SUFFIXES)}, also .gz)", str(file))
    for file in logs:
        await _file(file, to, hours, outcome, progress, fallback)
    await hours.close()
    progress.end(f"{outcome.lines:,} lines of {len(logs)} files read")
    return _section(outcome, hours.parts, write)


async def _file(
    file: Path, to: Destination, hours: Hours, outcome: _Outcome, progress: Progress, fallback: datetime | None
) -> None:
    multi_slot, days = MULTI_SLOT_OPTION in to.config.arguments, to.config.retention_days
    earliest, latest = _bounds(days)
    number, time = 0, fallback
    try:
        for number, line in enumerate(files.lines(file), 1):
            if not line:
                continue
            outcome.lines += 1
            try:
                decision = decisions.read(line, multi_slot, time, outcome.anonymous)
                _check(decision.at, earliest, latest, days)
            except Unusable as reason:
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
    if at < earliest:
        raise Unusable(f"older than logRetentionDays ({days}), so it would be deleted; raise it: --retention-days -1")
    if at < 0:
        raise Unusable("its Timestamp is before 1970")


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
        section.advice = LAYOUT_ADVICE
    return section
