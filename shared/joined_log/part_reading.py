"""From places in blobs to lines: which parts of a loop's log are read, in order, and where they are by now.

Parts are downloaded to a file, and checked before anything of them is used: a changed byte may be told only by the end
of its member, behind lines that can be read and are not what was written. Memory holds a piece, and no other work of
the process waits for unzipping.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from shared import scratch
from shared.joined_log import damaged_logs, log_parts, unzipping
from shared.joined_log.log_parts import IMPORTED, Blob, Gone, Part
from shared.joined_log.unzipping import Unzipper
from shared.loops.blob_names import Home
from shared.storage import PIECE_BYTES, Shorter, Storage

EVERY_IMPORT = "~"  # sorts behind all names


class Wanted(NamedTuple):
    """The files whose run is in `first`..`last`, and of imports those from `first` on before `imports`.

    file: none before it.
    """

    first: str
    last: str
    imports: str
    file: str = ""

    def overlaps(self, first: str, last: str) -> bool:
        """True for a blob with files from `first` to `last`."""
        if last < self.file or log_parts.run_of(last) < self.first:
            return False
        return first < self.imports if IMPORTED in last else log_parts.run_of(first) <= self.last


class Fetched(NamedTuple):
    """A part whose bytes are in a file, from `offset` on, until the one after the next is asked for."""

    part: Part
    file: Path
    offset: int


async def lines(
    storage: Storage, home: Home, wanted: Wanted, *hours: str, late: bool = False
) -> AsyncGenerator[tuple[str, bytes], None]:
    """The lines of the log, in order, each time some behind the file that they are in. hours, late: as in `listed`.

    As `fetched`, as far as they are undamaged.
    """
    with scratch.folder() as folder:
        async for part, file, offset in fetched(storage, home, Path(folder), wanted, *hours, late=late):
            async for some in _sound(home, part, file, offset):
                yield part.file, some


async def fetched(
    storage: Storage, home: Home, folder: Path, wanted: Wanted, *hours: str, late: bool = False
) -> AsyncGenerator[Fetched, None]:
    """The parts of the log, in order, downloaded into a folder.

    A blob that was merged while those before it were read is read where it is now; one that was deleted has no parts.
    """
    done, missed, files = "", set[str](), cycle([folder / "log", folder / "next"])
    while True:
        found = await log_parts.listed(storage, home, *hours, late=late)
        blobs = [one for one in found if wanted.overlaps(one.first, one.last) and one.name not in missed]
        blobs = [one for one in blobs if one.last > done]

        def is_left(part: Part) -> bool:
            return part.file > done and wanted.overlaps(part.file, part.file)  # noqa: B023

        try:
            async for one in _read(storage, home, blobs, is_left, files):
                yield one
                done = one.part.file
        except Gone as gone:
            missed.add(gone.name)
        else:
            return


async def _read(
    storage: Storage, home: Home, blobs: list[Blob], is_wanted: Callable[[Part], bool], files: Iterator[Path]
) -> AsyncGenerator[Fetched, None]:
    """The parts of blobs, those that are read at once in one of the files; raises Gone."""
    async for stretch in _stretches(storage, home, blobs, is_wanted):
        file, start = next(files), stretch[0].offset
        await _fetch(storage, stretch, file)
        for part in stretch:
            yield Fetched(part, file, part.offset - start)


async def _stretches(
    storage: Storage, home: Home, blobs: list[Blob], is_wanted: Callable[[Part], bool]
) -> AsyncGenerator[list[Part], None]:
    """Parts that are one behind the other in a blob, as many together as fit into a piece; the rest alone."""
    stretch: list[Part] = []
    async for part in log_parts.in_order(storage, home, blobs):
        if not is_wanted(part):
            continue
        if stretch and not _goes_on(stretch, part):
            yield stretch
            stretch = []
        stretch.append(part)
    if stretch:
        yield stretch


def _goes_on(stretch: list[Part], part: Part) -> bool:
    first, last = stretch[0], stretch[-1]
    if part.blob != first.blob or last.length is None or part.length is None:
        return False
    return part.offset == last.offset + last.length and part.offset + part.length - first.offset <= PIECE_BYTES


async def _fetch(storage: Storage, stretch: list[Part], file: Path) -> None:
    """Downloads the bytes of parts; raises Gone. Of a blob that ends before them there are none."""
    first, last = stretch[0], stretch[-1]
    length = None if last.length is None else last.offset + last.length - first.offset
    await asyncio.to_thread(file.write_bytes, b"")
    with contextlib.suppress(Shorter):
        if length != 0 and await storage.download(first.blob, file, first.offset, length) is None:
            raise Gone(first.blob)


async def sound(storage: Storage, home: Home, part: Part) -> AsyncIterator[bytes]:
    """The lines of one part up to the first member whose checksum is wrong, some whole ones at a time; raises Gone."""
    with scratch.folder() as folder:
        file = Path(folder, "log")
        await _fetch(storage, [part], file)
        async for lines in _sound(home, part, file, 0):
            yield lines


async def _sound(home: Home, part: Part, file: Path, offset: int) -> AsyncIterator[bytes]:
    """The same of a part that was downloaded, from `offset` of the file on."""
    size, damage = await asyncio.to_thread(unzipping.check, file, offset, part.length)
    if damage is not None:
        damaged_logs.meet(home, part.blob, damage, part.file)
    lines = unzipping.read(file, size, offset, part.length)
    while (some := await asyncio.to_thread(next, lines, None)) is not None:
        yield some


async def chunks(storage: Storage, part: Part) -> AsyncGenerator[bytes, None]:
    """The lines of one part, some whole ones at a time; none if its blob is gone. Raises one of `DAMAGE`.

    They are downloaded and unzipped (in a thread) as they are asked for: memory holds a piece of each.
    """
    unzipper, size = Unzipper(), 0
    try:
        async for piece in storage.stream(part.blob, part.offset, part.length):
            size += len(piece)
            unzipped = unzipper.lines(piece)
            while (lines := await asyncio.to_thread(next, unzipped, None)) is not None:
                yield lines
    except Shorter:
        raise EOFError("the blob ends before it") from None
    if rest := unzipper.end():
        yield rest
    if size and part.length not in (None, size):
        raise EOFError("the blob ends within it")
