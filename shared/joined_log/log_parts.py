"""Where the log of each run is: in a blob of its own, or in one with those of other runs. Imports have their own.

Blobs are listed first and the catalogue is read then: what is merged in between is still there, for a while, as it was
listed. Who finds a blob gone all the same lists again.
"""

from collections.abc import AsyncIterator, Iterable
from heapq import heappop, heappush
from typing import NamedTuple

from shared.joined_log import damaged_logs, merged_log
from shared.joined_log.log_file import log_name
from shared.joined_log.merged_log import DamagedTable, Merged
from shared.loops import stored
from shared.loops.blob_names import Home, blob_name, run_name
from shared.loops.checkpoint import Checkpoint
from shared.storage import Shorter, Storage

# Sorts behind the `.` that ends the name of a trainer's run of the same instant.
IMPORTED = "_"
JOINED, LATE = "dsjson.gz", "jsonl.gz"


class Gone(Exception):
    """A blob was deleted, or merged, since it was listed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is gone")
        self.name = name


class Part(NamedTuple):
    """The log of a run or an import, by its file name, in whose order the log is: some bytes of a blob.

    length: None for all of the blob. stored: when it was written (ms), None if that is when the blob was.
    """

    file: str
    blob: str
    offset: int = 0
    length: int | None = None
    stored: int | None = None


class Blob(NamedTuple):
    """A blob of the log and the file names of its first part and its last."""

    first: str
    last: str
    name: str

    @property
    def is_imported(self) -> bool:
        return IMPORTED in self.last


async def state_of(storage: Storage, home: Home) -> Checkpoint | None:
    """The checkpoint as it is stored, None if it cannot be read."""
    try:
        return (await stored.read_checkpoint(storage, home)).value or Checkpoint()
    except stored.Damaged:
        return None


async def listed(storage: Storage, home: Home, *hours: str, late: bool = False) -> list[Blob]:
    """The blobs of the joined log, or of that of late events, in order of their first parts.

    hours: the prefixes of the only hours of which those that are not merged are asked for.
    """
    found = [await storage.names(prefix) for prefix in hours or [blob_name(home, "logs", "")]]
    kind = LATE if late else JOINED
    loose = [name for names in found for name in names if kind_of(name) == kind]
    catalogue = await merged_log.catalogue(storage, home, await state_of(storage, home))
    merged = [one for one in catalogue.blobs if one.is_late == late]
    elsewhere = merged_log.covered(sorted((name for name in loose if is_of_run(name, kind)), key=file_of), merged)
    blobs = [Blob(file_of(name), file_of(name), name) for name in loose if name not in elsewhere]
    blobs += [_merged_blob(one) for one in merged]
    return sorted(blobs)


def _merged_blob(one: Merged) -> Blob:
    (first, last), kind = one.runs, LATE if one.is_late else JOINED
    return Blob(f"{first}.{kind}", f"{last}.{kind}", one.name)


async def parts(storage: Storage, blob: Blob) -> list[Part]:
    """The parts of a blob in order; raises Gone, DamagedTable."""
    if not merged_log.is_merged(blob.name):
        return [Part(blob.first, blob.name)]
    return await _merged_parts(storage, blob.name, kind_of(blob.first))


async def in_order(storage: Storage, home: Home, blobs: Iterable[Blob]) -> AsyncIterator[Part]:
    """The parts of blobs that are in order of their first ones; raises Gone. A damaged table is reported."""
    held: list[Part] = []
    for blob in blobs:
        while held and held[0].file < blob.first:
            yield heappop(held)
        try:
            for part in await parts(storage, blob):
                heappush(held, part)
        except DamagedTable as damage:
            damaged_logs.meet(home, blob.name, damage)
    while held:
        yield heappop(held)


async def moved(storage: Storage, home: Home, cut: int, *, late: bool) -> Part | None:
    """Where the log of a run is that has been merged, None if it has not; raises Gone, DamagedTable."""
    catalogue = await merged_log.catalogue(storage, home, await state_of(storage, home))
    run, kind = run_name(cut), LATE if late else JOINED
    for one in catalogue.blobs:
        if one.is_late == late and one.covers(run):
            found = await _merged_parts(storage, one.name, kind)
            return next((part for part in found if part.file == f"{run}.{kind}"), None)
    return None


def alone(home: Home, cut: int, *, late: bool) -> Part:
    """Where the log of a run is that has not been merged."""
    name = log_name(home, cut, "late" if late else "joined")
    return Part(file_of(name), name)


def file_of(name: str) -> str:
    return name.rpartition("/")[2]


def run_of(file: str) -> str:
    """The run or import of a file."""
    return file.partition(".")[0]


def is_of_run(name: str, kind: str = JOINED) -> bool:
    """True for a blob of one run's events, JOINED or LATE."""
    return kind_of(name) == kind and IMPORTED not in file_of(name)


def kind_of(name: str) -> str:
    """What follows the run in the name of its log; of a merged blob's, it is neither JOINED nor LATE."""
    return file_of(name).partition(".")[2]


async def _merged_parts(storage: Storage, name: str, kind: str) -> list[Part]:
    try:
        start = await storage.read_range(name, 0, merged_log.TABLE_BYTES)
    except Shorter:
        raise DamagedTable(name) from None
    if start is None:
        raise Gone(name)
    rows, offset = merged_log.rows_of(name, start.data)
    found = []
    for row in rows:
        found.append(Part(f"{row.run}.{kind}", name, offset, row.length, row.stored))
        offset += row.length
    return found
