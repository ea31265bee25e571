"""Unzipping a log while it is downloaded, in bounded memory: pieces of a gzip file go in, whole lines come out."""

import contextlib
import zlib
from collections.abc import Iterator
from pathlib import Path

# Lines come in chunks of about this size; one that is longer is a chunk of its own.
CHUNK_BYTES = 1 << 20
# What follows a member is copied once per member that ends in the same slice.
_SLICE_BYTES = 65_536
_PIECE_BYTES = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS
# What reading a damaged log may raise.
DAMAGE = (OSError, EOFError, zlib.error)


class Unzipper:
    """Takes the bytes of one gzip file in order. Memory holds a chunk of lines, whatever the file unzips to.

    checked: how many bytes those of its members unzipped to whose checksums were right.
    """

    def __init__(self) -> None:
        self._member: zlib._Decompress | None = None
        self._held: list[bytes] = []
        self._size = 0
        self._unzipped = self.checked = 0

    def lines(self, zipped: bytes) -> Iterator[bytes]:
        """Chunks of whole lines, as far as the file is known with these bytes; raises zlib.error."""
        for start in range(0, len(zipped), _SLICE_BYTES):
            for unzipped in self._unzip(zipped[start : start + _SLICE_BYTES]):
                self._held.append(unzipped)
                self._size += len(unzipped)
                if self._size >= CHUNK_BYTES and b"\n" in unzipped:
                    lines, _, rest = b"".join(self._held).rpartition(b"\n")
                    self._held, self._size = [rest], len(rest)
                    yield lines + b"\n"

    def end(self) -> bytes:
        """The lines that are left; raises EOFError if the file ends too early."""
        if self._member is not None:
            raise EOFError("the file ends within a gzip member")
        return self.held

    @property
    def held(self) -> bytes:
        """What was unzipped behind the last chunk."""
        return b"".join(self._held)

    def _unzip(self, zipped: bytes) -> Iterator[bytes]:
        rest = zipped
        while True:
            if self._member is None:
                rest = rest.lstrip(b"\0")  # padding
                if not rest:
                    return
                self._member = zlib.decompressobj(_GZIP)
            unzipped = self._member.decompress(rest, CHUNK_BYTES)
            if unzipped:
                self._unzipped += len(unzipped)
                yield unzipped
            if self._member.eof:
                self.checked = self._unzipped
                rest, self._member = self._member.unused_data, None
            elif unzipped:
                rest = self._member.unconsumed_tail
            else:
                return


def check(file: Path, offset: int = 0, length: int | None = None) -> tuple[int, Exception | None]:
    """How many bytes a gzip file, or these of its bytes, unzip to up to the first damaged member, and that damage.

    The damage is None if there is none.
    """
    unzipper = Unzipper()
    try:
        for _ in _pieces(file, unzipper, offset, length):
            pass
        unzipper.end()
        if length is not None and file.stat().st_size < offset + length:
            raise EOFError("the file ends before it")
    except (EOFError, zlib.error) as damage:
        return unzipper.checked, damage
    return unzipper.checked, None


def read(file: Path, size: int, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
    """Chunks of whole lines of the same bytes, of the first `size` that they unzip to: those that `check` counted."""
    unzipper, left = Unzipper(), size
    with contextlib.suppress(EOFError, zlib.error):  # of what is behind them
        for lines in _pieces(file, unzipper, offset, length):
            if len(lines) > left:
                yield from _whole(lines, left)
                return
            left -= len(lines)
            yield lines
    yield from _whole(unzipper.held, left)


def _whole(lines: bytes, size: int) -> Iterator[bytes]:
    """The lines that end within `size` bytes; also the last one of a file that ends without a newline."""
    whole = lines if len(lines) <= size else lines[: lines.rfind(b"\n", 0, size) + 1]
    if whole:
        yield whole


def _pieces(file: Path, unzipper: Unzipper, offset: int, length: int | None) -> Iterator[bytes]:
    left = file.stat().st_size if length is None else length
    with file.open("rb") as data:
        data.seek(offset)
        while piece := data.read(min(left, _PIECE_BYTES)):
            left -= len(piece)
            yield from unzipper.lines(piece)
