"""Where a log comes from: a loop in storage, or files and folders of dsjson."""

import asyncio
import functools
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
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
from shared.vw.context_limits import LEAST_PROBABILITY
from shared.vw.dsjson import LINE
from shared.vw.safe_features import MAX_MAGNITUDE

# A line that this service has written: what others write is checked, and made safe for VW, at twenty times the cost.
_OURS = re.compile(
    rb'\{"_label_cost":[^,"]+,"_label_probability":[^,"]+,"_label_Action":\d+,"_labelIndex":\d+,'
    rb'"Timestamp":"(\d{4}-\d\d-\d\dT\d\d:\d\d):(\d\d\.\d{3})Z",'
    rb'"Version":"1","EventId":"((?:[^"\\]|\\.)*)","a":\[[\d,]+\],"c":\{"FromUrl":\[.*\}\Z',
    re.DOTALL,
)
_SPACED = b'": '
DUPLICATE = "there a second time"
_A_SECOND, _UNTIMED = timedelta(seconds=1), decisions.COMPLETED.format(LINE["at"])


class _Action(msgspec.Struct, rename=dsjson.ACTION, gc=False):
    tag: str | None = None


class _Context(msgspec.Struct, rename=dsjson.CONTEXT, gc=False):
    actions: list[_Action]


class _Line(msgspec.Struct, rename=LINE, gc=False):
    c: _Context
    cost: float
    probability: float
    action: int
    index: int
    a: list[int]


_sound = msgspec.json.Decoder(_Line).decode


async def of_loop(loop: Loop, config: LoopConfig, spool: Spool, progress: Progress) -> None:
    """Spools what the loop has logged, labelled by its settings."""
    through = (await commits.load(loop.storage, loop.home)).checkpoint.cut
    async for lines in log_reading.labelled(loop.storage, loop.home, config, through):
        await asyncio.to_thread(spool.add_lines, lines)
        progress.update(f"{spool.events:,} events read so far")
    for name, damage in damaged_logs.met(loop.home).items():
        spool.skipped[f"whatever follows the damage of {name} ({damage})"] += 1
    spool.close()


class _Files:
    """What is known of the lines so far. known: the hashes of their ids; anonymous: as of `decisions.read`.

    latest: the time of the last event; untimed: how many events say no time.
    """

    def __init__(self) -> None:
        self.known, self.anonymous = set[int](), Counter[str]()
        self.latest, self.untimed = datetime.fromtimestamp(0, UTC), 0


def of_files(paths: Iterable[Path], spool: Spool, progress: Progress) -> int:
    """Spools files, and what is in folders; EvaluationError if one cannot be read.

    Returns how many events say no time: each is taken to be a second after the one before it.
    """
    logs, others = files.found(paths)
    for file in others:
        spool.skipped[f"no log by its name ({file.name})"] += 1
    if not logs:
        raise EvaluationError(f"There is no log here: name files or folders of {', '.join(files.SUFFIXES)} (also .gz).")
    so_far = _Files()
    for file in logs:
        if not file.exists():
            raise EvaluationError(f"{file} is not there: name a file or folder of dsjson, or a loop with --loop.")
        try:
            _read(file, spool, so_far, progress)
        except files.UnreadableFile as error:
            spool.skipped[f"a file that cannot be read (to its end): {file.name}, {error}"] += 1
    spool.close()
    return so_far.untimed


def _read(file: Path, spool: Spool, so_far: _Files, progress: Progress) -> None:
    for number, line in enumerate(files.lines(file)):
        if not line:
            continue
        try:
            name, at, event = _event(line, so_far)
        except Unusable as reason:
            spool.skipped[str(reason)] += 1
            continue
        key = hash(name)
        if key in so_far.known:
            spool.skipped[DUPLICATE] += 1
            continue
        so_far.known.add(key)
        spool.add(at, event)
        if not number % 1_000:
            progress.update(f"{spool.events:,} events read so far")


def _event(line: bytes, so_far: _Files) -> tuple[bytes, int, bytes]:
    """Id, time and line of an event; raises Unusable."""
    ours = _OURS.match(line)
    if ours is not None and _is_sound(line):
        minute, seconds, name = ours.groups()
        try:
            return name, _minute(minute) + round(float(seconds) * 1000), line
        except ValueError:
            raise Unusable("its Timestamp is no time") from None
    decision = decisions.read(line, dsjson.is_multi_slot(line), so_far.latest + _A_SECOND, so_far.anonymous)
    so_far.untimed += _UNTIMED in decision.notes
    so_far.latest = datetime.fromtimestamp(decision.at / 1000, UTC)
    kept = decision.line
    # What reads lines as bytes knows them without spaces between their members.
    return decision.id.encode(), decision.at, msgspec.json.format(kept, indent=-1) if _SPACED in kept else kept


def _is_sound(line: bytes) -> bool:
    """False for a line that was damaged since this service has written it: VW would stop at it."""
    try:
        found = _sound(line)
        line.isascii() or line.decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    has_label = 1 <= found.action == found.index + 1 <= len(found.c.actions) == len(found.a)
    return has_label and found.probability >= LEAST_PROBABILITY and abs(found.cost) <= MAX_MAGNITUDE


@functools.lru_cache(1_000)
def _minute(text: bytes) -> int:
    """The time of `2026-01-31T12:00` in ms since 1970; raises ValueError."""
    return round(datetime.fromisoformat(text.decode()).replace(tzinfo=UTC).timestamp() * 1000)
