"""Taking lines out of a loop's log: each blob without them, under its own name.

A reader that is under way may meet a blob that was replaced: to it, that is damage, and it reads again.
"""

import asyncio
import gzip
import shutil
from array import array
from collections.abc import AsyncGenerator, Collection, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from shared.hubs.events import key_of
from shared.joined_log import log_parts, members, merged_log, unjoined_lines
from shared.joined_log.ahead import ahead
from shared.joined_log.log_file import LENGTH_BITS, MEMBER_BYTES
from shared.joined_log.log_parts import IMPORTED, JOINED, LATE
from shared.joined_log.members import Member
from shared.joined_log.merged_log import DamagedTable, Row
from shared.joined_log.selection import Selection
from shared.joined_log.unzipping import DAMAGE
from shared.loops import summary_names
from shared.loops.blob_names import Home, blob_name
from shared.storage import Storage
from shared.vw import dsjson

# Of an index, by the run's cut, doubled, plus 1 for the log of late events: pairs of an event's key and a place.
Entries = dict[int, "array[int]"]


class Lines:
    """The lines that go: of the events with these keys and, of lines without an id, those that a selection means."""

    def __init__(self, selection: Selection, keys: frozenset[int]) -> None:
        self._selection, self._keys = selection, keys

    def kept(self, lines: bytes, *, late: bool) -> tuple[list[int | None], list[bytes] | None]:
        """The keys of the events of the lines that stay, None for one without an id, and these; None if all do."""
        found = lines.splitlines(keepends=True)
        keys = _keys(found, late=late)
        if None not in keys and self._keys.isdisjoint(keys):
            return keys, None
        kept = [(key, line) for key, line in zip(keys, found, strict=True) if not self._goes(key, line, late=late)]
        return [key for key, _ in kept], [line for _, line in kept] if len(kept) < len(found) else None

    def _goes(self, key: int | None, line: bytes, *, late: bool) -> bool:
        if key is not None:
            return key in self._keys
        return (self._selection.unjoined if late else self._selection.line)(line) is not None


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
    storage: Storage, home: Home, folder: Path, lines: Lines, touched: Collection[str], looked: Collection[str] | None
) -> AsyncGenerator[Rewritten, None]:
    """Every blob of the log of which something goes, or went, or is damaged; those too that count for nobody.

    folder: for files, which are gone with it. looked: the files of the log that are looked at, None for all of them.
    """
    target, following = folder / "made", folder / "made-next"
    async for name, file in ahead(_blobs(storage, home, folder, looked)):
        made = await asyncio.to_thread(_Rewriting(lines, touched, target).blob, name, file)
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

    def __init__(self, lines: Lines, touched: Collection[str], made: Path) -> None:
        self._lines, self._touched, self._made = lines, touched, made
        self._changed, self._entries, self._damaged = set[str](), Entries(), False

    def blob(self, name: str, file: Path) -> Rewritten:
        with file.open("rb") as data:
            if merged_log.is_merged(name):
                self._merged(name, data)
            else:
                with self._made.open("wb") as out:
                    self._part(log_parts.file_of(name), data, 0, None, out)
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
                length = self._part(f"{row.run}.{kind}", data, offset, row.length, out)
                kept.append(Row(row.run, length, row.stored))
                offset += row.length
        if self._changed:
            with parts.open("rb") as rest, self._made.open("wb") as out:
                out.write(merged_log.table(kept))
                shutil.copyfileobj(rest, out)

    def _part(self, name: str, data: BinaryIO, offset: int, length: int | None, out: BinaryIO) -> int:
        """Writes the log of a run; its length. What cannot be read stays, unless a line before it goes: then it goes,
        too."""
        late, start, gone, entries = name.endswith(LATE), out.tell(), False, array("Q")
        done = offset
        try:
            for member in members.read(Path(data.name), offset, length):
                keys, kept = self._lines.kept(member.lines, late=late)
                gone |= kept is not None
                some = [(keys, _bytes(data, member))] if kept is None else _packed(keys, kept)
                for known, packed in some:
                    place = (out.tell() - start) << LENGTH_BITS | len(packed)
                    for key in known:
                        if key is not None:
                            entries.extend((key, place))
                    out.write(packed)
                done = member.offset + member.length
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


def _packed(keys: list[int | None], lines: list[bytes]) -> Iterator[tuple[list[int | None], bytes]]:
    """Members of lines, as `LogFile` makes them, behind the keys of their lines."""
    first = size = 0
    for number, line in enumerate(lines, 1):
        size += len(line)
        if size >= MEMBER_BYTES or number == len(lines):
            yield keys[first:number], gzip.compress(b"".join(lines[first:number]), compresslevel=1, mtime=0)
            first, size = number, 0


def _bytes(data: BinaryIO, member: Member) -> bytes:
    data.seek(member.offset)
    return data.read(member.length)


def _keys(lines: list[bytes], *, late: bool) -> list[int | None]:
    id_of = unjoined_lines.id_of if late else dsjson.id_of
    return [key_of(event) if event else None for event in map(id_of, lines)]
