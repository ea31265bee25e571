"""Merging the logs of older runs: a loop that trains every minute would have 259,000 blobs after 90 days.

Runs are merged once, with others of the same UTC day: as many as fit into a blob, or what a day that is over has left.
The blobs and a catalogue that names them are stored first, beside the ticks, and count for nobody. They count from the
loop's next run on, whose commit names the catalogue. If the process is killed before that, the next one stores them
again. The parts are deleted a while after the commit: see `retention`.
"""

import asyncio
import hashlib
import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from shared import scratch
from shared.joined_log import log_parts, merged_log
from shared.joined_log.log_parts import JOINED, LATE
from shared.joined_log.merged_log import MOST_RUNS, Merged, Row
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import Home, blob_name, run_name
from shared.storage import Listed, Storage

# Of a merged blob, in bytes.
LARGEST = 64 << 20
# What is merged of a loop before another one has its turn.
RUNS_AT_ONCE, BYTES_AT_ONCE = 2_000, 256 << 20


class Merge(NamedTuple):
    """What a commit may name if it makes the count of merges this one."""

    merges: int
    merged: Artifact


class _Changed(Exception):
    """A log was deleted while it was to be merged."""


async def prepare(storage: Storage, home: Home) -> Merge | None:
    """Stores the next merge of a loop's log; None if none is due."""
    state = await log_parts.state_of(
        storage, home
    )  # before the list: it has what this one knows of, or that is deleted
    if state is None:
        return None
    known = (await merged_log.catalogue(storage, home, state)).blobs
    found = {one.name: one for one in await storage.listed(blob_name(home, "logs", ""))}
    known = [one for one in known if one.name in found]
    groups = list(_at_once(_due(list(found.values()), known, run_name(state.cut))))
    if not groups:
        return None
    number = state.merges + 1
    with scratch.folder() as folder:
        try:
            made = [await _merged(storage, group, number, Path(folder)) for group in groups]
        except _Changed:
            return None
        return Merge(number, await merged_log.publish(storage, home, number, [*known, *made], Path(folder)))


def _due(found: list[Listed], known: list[Merged], cut: str) -> Iterator[list[Listed]]:
    """The blobs of runs up to a cut that are to be merged, those of one merged blob together."""
    for kind, late in ((JOINED, False), (LATE, True)):
        runs = [one for one in found if log_parts.is_of_run(one.name, kind) and log_parts.run_of(_file(one)) <= cut]
        loose = sorted(runs, key=_file)
        elsewhere = merged_log.covered([one.name for one in loose], [one for one in known if one.is_late == late])
        loose = [one for one in loose if one.name not in elsewhere]
        for day, of_day in groupby(loose, key=lambda one: _file(one)[:8]):
            yield from (group for group in _groups(of_day, is_over=day < cut[:8]) if len(group) > 1)


def _groups(runs: Iterator[Listed], *, is_over: bool) -> Iterator[list[Listed]]:
    """Runs of one day, as many together as fit into a blob; the last ones if there will be no more of the day."""
    group: list[Listed] = []
    for one in runs:
        if len(group) == MOST_RUNS or (group and sum(other.size for other in group) + one.size > LARGEST):
            yield group
            group = []
        group.append(one)
    if is_over or len(group) == MOST_RUNS:
        yield group


def _at_once(groups: Iterator[list[Listed]]) -> Iterator[list[Listed]]:
    runs = size = 0
    for group in groups:
        yield group
        runs, size = runs + len(group), size + sum(one.size for one in group)
        if runs >= RUNS_AT_ONCE or size >= BYTES_AT_ONCE:
            return


async def _merged(storage: Storage, group: list[Listed], number: int, folder: Path) -> Merged:
    """Stores the blob of a group. What its parts unzip to is not looked at."""
    whole, part = folder / "whole", folder / "part"
    rows = [Row(log_parts.run_of(_file(one)), one.size, round(one.modified.timestamp() * 1000)) for one in group]
    await asyncio.to_thread(whole.write_bytes, merged_log.table(rows))
    for one in group:
        if await storage.download(one.name, part) is None or not await asyncio.to_thread(
            _append, part, whole, one.size
        ):
            raise _Changed
    with whole.open("rb") as data:
        digest = await asyncio.to_thread(hashlib.file_digest, data, "sha256")
    name = merged_log.name_of(group[-1].name, group[0].name, number, digest.hexdigest())
    await storage.create(name, whole)
    return Merged(name)


def _append(part: Path, whole: Path, size: int) -> bool:
    """Adds a file to another; False if it has not this size."""
    with part.open("rb") as data, whole.open("ab") as out:
        shutil.copyfileobj(data, out)
        return data.tell() == size


def _file(one: Listed) -> str:
    return log_parts.file_of(one.name)
