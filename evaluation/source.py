"""Where a log comes from: a loop in storage, or files and folders of dsjson."""

import asyncio
import functools
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from evaluation.errors import EvaluationError
from migration import decisions, files
from migration.decisions import Unusable
from migration.progress import Progress
from migration.target import Loop
from shared.evaluation.spool import Spool
from shared.joined_log import damaged_logs, log_reading
from shared.loops import commits
from shared.loops.config import LoopConfig
from shared.vw import dsjson
from shared.vw.dsjson import Dated

# A line that this service has written: what others write is checked, and made safe for VW, at twenty times the cost.
_OURS = re.compile(
    rb'\{"_label_cost":[^,"]+,"_label_probability":[^,"]+,"_label_Action":\d+,"_labelIndex":\d+,'
    rb'"Timestamp":"(\d{4}-\d\d-\d\dT\d\d:\d\d):(\d\d\.\d{3})Z",'
    rb'"Version":"1","EventId":"((?:[^"\\]|\\.)*)","a":\[[\d,]+\],"c":\{"FromUrl":\[.*\}\Z',
    re.DOTALL,
)
DUPLICATE = "there a second time"

_dated = msgspec.json.Decoder(Dated).decode


async def of_loop(loop: Loop, config: LoopConfig, spool: Spool, progress: Progress) -> None:
    """Spools what the loop has logged, labelled by its settings."""
    through = (await commits.load(loop.storage, loop.home)).checkpoint.cut
    async for lines in log_reading.labelled(loop.storage, loop.home, config, through):
        await asyncio.to_thread(spool.add_lines, lines)
        progress.update(f"{spool.events:,} events read so far")
    for name, damage in damaged_logs.met(loop.home).items():
        spool.skipped[f"whatever follows the damage of {name} ({damage})"] += 1
    spool.close()


def of_files(paths: Iterable[Path], spool: Spool, progress: Progress) -> None:
    """Spools files, and what is in folders; EvaluationError if one cannot be read."""
    logs, others = files.found(paths)
    for file in others:
        spool.skipped[f"no log by its name ({file.name})"] += 1
    if not logs:
        raise EvaluationError(f"There is no log here: name files or folders of {', '.join(files.SUFFIXES)} (also .gz).")
    known, anonymous = set[int](), Counter[str]()
    for file in logs:
        if not file.exists():
            raise EvaluationError(f"{file} is not there: name a file or folder of dsjson, or a loop with --loop.")
        try:
            _read(file, spool, known, anonymous, progress)
        except files.UnreadableFile as error:
            spool.skipped[f"a file that cannot be read (to its end): {file.name}, {error}"] += 1
    spool.close()


def _read(file: Path, spool: Spool, known: set[int], anonymous: Counter[str], progress: Progress) -> None:
    for number, line in enumerate(files.lines(file)):
        if not line:
            continue
        try:
            name, at, event = _event(line, anonymous)
        except Unusable as reason:
            spool.skipped[str(reason)] += 1
            continue
        key = hash(name)
        if key in known:
            spool.skipped[DUPLICATE] += 1
            continue
        known.add(key)
        spool.add(at, event)
        if not number % 1_000:
            progress.update(f"{spool.events:,} events read so far")


def _event(line: bytes, anonymous: Counter[str]) -> tuple[bytes, int, bytes]:
    """Id, time and line of an event; raises Unusable."""
    ours = _OURS.match(line)
    if ours is not None:
        minute, seconds, name = ours.groups()
        try:
            return name, _minute(minute) + round(float(seconds) * 1000), line
        except ValueError:
            raise Unusable("its Timestamp is no time") from None
    decision = decisions.read(line, dsjson.is_multi_slot(line), None, anonymous)
    return decision.id.encode(), decision.at, decision.line


@functools.lru_cache(1_000)
def _minute(text: bytes) -> int:
    """The time of `2026-01-31T12:00` in ms since 1970; raises ValueError."""
    return round(datetime.fromisoformat(text.decode()).replace(tzinfo=UTC).timestamp() * 1000)


def _milliseconds(time: datetime) -> int:
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
