"""Taking lines out of a loop's log: each blob without them, under its own name.

A reader that is under way may meet a blob that was replaced: to it, that is damage, and it reads again.
"""

import asyncio
import gzip
import shutil
from array import array
from collections.abc import AsyncGenerator, Collection, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from shared.joined_log import log_parts, members, merged_log, summarised_lines
from shared.joined_log.ahead import ahead
from shared.joined_log.log_file import LENGTH_BITS, MEMBER_BYTES
from shared.joined_log.log_parts import IMPORTED, JOINED, LATE
from shared.joined_log.members import Member
from shared.joined_log.merged_log import DamagedTable, Row
from shared.joined_log.selection import Selection
from shared.joined_log.summarised_lines import Read
from shared.joined_log.unzipping import DAMAGE
from shared.loops import summary_names
from shared.loops.blob_names import Home, blob_name
from shared.storage import Storage

# Of an index, by the run's cut, doubled, plus 1 for the log of late events: pairs of an event's key and a place.
Entries = dict[int, "array[int]"]


class Lines:
    """The lines that go: of the events with these keys and, of lines without an id, those that a selection means."""

    def __init__(self, selection: Selection, keys: frozenset[int]) -> None:
        self._selection, self._keys = selection, keys

    def kept(self, lines: list[Read], *, late: bool) -> list[Read]:
        """Those that stay."""
        keys = [one.key for one in lines]
        if None not in keys and self._keys.isdisjoint(keys):
            return lines
        return [one for one in lines if not self._goes(one, late=late)]

    def _goes(self, one: Read, *, late: bool) -> bool:
        if one.key is not None:
            return one.key in self._keys
        return (self._selection.unjoined if late else self._selection.line)(one.line) is not None


class Watcher(Protocol):
    """Sees the lines that stay, in a thread."""

    def begin(self, blob: str, file: str) -> None:
        """What follows is of this file of the log, as this blob has it."""

    def add(self, lines: list[Read]) -> None:
        """Some lines stay."""

    def end(self) -> None:
        """That was all of the file, and none of it is damaged."""


class Rewritten(NamedTuple):
    """A blob of the log. without: a file with what stays, to be stored before the one after the next is asked for; None
    if nothing goes. changed: the files of the log of which something goes. entries: of all lines of `touched` and
    changed files, as they are then. damaged: whether some of it cannot be read."""

    name: str
    without: Path | None
    changed: set[str]
    entries: Entries
    damaged: bool


async def rewrite(
    storage: Storage, home: Home, folder: Path, lines: Lines, touched: Collection[str], looked: Collection[str] | None,
    watcher: Watcher,
) -> AsyncGenerator[Rewritten, None]:  # fmt: skip
    """Every blob of the log of which something goes, or went, or is damaged; those too that count for nobody.

    folder: for files, which are gone with it. looked: the files of the log that are looked at, None for all of them.
    """
    target, following = folder / "made", folder / "made-next"
    async for name, file in ahead(_blobs(storage, home, folder, looked)):
        made = await asyncio.to_thread(_Rewriting(lines, touched, target, watcher).blob, name, file)
        if made.entries or made.changed or made.damaged:
            yield made
            target, following = following, target


async def _blobs(
    storage: Storage, home: Home, folder: Path, looked: Collection[str] | None
) -> AsyncGenerator[tuple[str, Path], None]:
    """The blobs of the log, each in a file until the one after the next is asked for."""
    index = blob_name(home, "logs", "index", "")
    names = [name for name in await storage.names(blob_name(home, "logs", "")) if not name.startswith(index)]
    file, following = folder / "blob", folder / "blob-next"
    for name in names:
        if not name.endswith(".gz") or (looked is not None and not _has_any(name, looked)):
            continue
        if await storage.download(name, file) is not None:
            yield name, file
            file, following = following, file


def _has_any(name: str, files: Collection[str]) -> bool:
    """True for a blob that may have one of these files of the log."""
    if not merged_log.is_merged(name):
        return log_parts.file_of(name) in files
    kind, merged = LATE if name.endswith(LATE) else JOINED, merged_log.Merged(name)
    return any(file.endswith(kind) and merged.covers(log_parts.run_of(file)) for file in files)


class _Rewriting:
    """Of one blob, into a file."""

    def __init__(self, lines: Lines, touched: Collection[str], made: Path, watcher: Watcher) -> None:
        self._lines, self._touched, self._made, self._watcher = lines, touched, made, watcher
        self._changed, self._entries, self._damaged = set[str](), Entries(), False

    def blob(self, name: str, file: Path) -> Rewritten:
        with file.open("rb") as data:
            if merged_log.is_merged(name):
                self._merged(name, data)
            else:
                with self._made.open("wb") as out:
                    self._part(name, log_parts.file_of(name), data, 0, None, out)
        without = self._made if self._changed else None
        return Rewritten(name, without, self._changed, self._entries, self._damaged)

    def _merged(self, name: str, data: BinaryIO) -> None:
        try:
            rows, offset = merged_log.rows_of(name, data.read(merged_log.TABLE_BYTES))
        except DamagedTable:
            self._damaged = True
            return
        kept, parts, kind = list[Row](), self._made.with_name("parts"), LATE if name.endswith(LATE) else JOINED
        with parts.open("wb") as out:
            for row in rows:
                length = self._part(name, f"{row.run}.{kind}", data, offset, row.length, out)
                kept.append(Row(row.run, length, row.stored))
                offset += row.length
        if self._changed:
            with parts.open("rb") as rest, self._made.open("wb") as out:
                out.write(merged_log.table(kept))
                shutil.copyfileobj(rest, out)

    def _part(self, blob: str, name: str, data: BinaryIO, offset: int, length: int | None, out: BinaryIO) -> int:
        """Writes the log of a run; its length. What cannot be read stays, unless a line before it goes: then it goes,
        too."""
        late, start, gone, entries = name.endswith(LATE), out.tell(), False, array("Q")
        done, read = offset, summarised_lines.read_late if late else summarised_lines.read
        self._watcher.begin(blob, name)
        try:
            for member in members.read(Path(data.name), offset, length):
                lines = [read(line) for line in members.split(member.lines)]
                kept = self._lines.kept(lines, late=late)
                self._watcher.add(kept)
                is_whole = len(kept) == len(lines)
                gone |= not is_whole
                some = [(kept, _bytes(data, member))] if is_whole else _packed(kept)
                for those, packed in some:
                    place = (out.tell() - start) << LENGTH_BITS | len(packed)
                    for one in those:
                        if one.key is not None:
                            entries.extend((one.key, place))
                    out.write(packed)
                done = member.offset + member.length
            self._watcher.end()
        except DAMAGE:
            self._damaged = True
            if not gone:
                data.seek(done)
                out.write(data.read() if length is None else data.read(offset + length - done))
        if gone and out.tell() == start:
            out.write(gzip.compress(b"", compresslevel=1, mtime=0))
        if gone:
            self._changed.add(name)
        if (gone or name in self._touched) and IMPORTED not in name:
            self._entries[2 * summary_names.time_of(log_parts.run_of(name)) + late] = entries
        return out.tell() - start


def _packed(lines: list[Read]) -> Iterator[tuple[list[Read], bytes]]:
    """Members of lines, as `LogFile` makes them, behind their lines."""
    first = size = 0
    for number, one in enumerate(lines, 1):
        size += len(one.line)
        if size >= MEMBER_BYTES or number == len(lines):
            some = lines[first:number]
            yield some, gzip.compress(b"".join([each.line for each in some]), compresslevel=1, mtime=0)
            first, size = number, 0


def _bytes(data: BinaryIO, member: Member) -> bytes:
    data.seek(member.offset)
    return data.read(member.length)
