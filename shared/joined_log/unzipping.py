"""Unzipping a log while it is downloaded, in bounded memory: pieces of a gzip file go in, whole lines come out."""

import zlib
from collections.abc import Iterator

# Lines come in chunks of about this size; one that is longer is a chunk of its own.
CHUNK_BYTES = 1 << 20
# What follows a member is copied once per member that ends in the same slice.
_SLICE_BYTES = 65_536
_GZIP = 16 + zlib.MAX_WBITS
# What reading a damaged log may raise.
DAMAGE = (OSError, EOFError, zlib.error)


class Unzipper:
    """Takes the bytes of one gzip file in order. Memory holds a chunk of lines, whatever the file unzips to."""

    def __init__(self) -> None:
        self._member: zlib._Decompress | None = None
        self._held: list[bytes] = []
        self._size = 0

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
                yield unzipped
            if self._member.eof:
                rest, self._member = self._member.unused_data, None
            elif unzipped:
                rest = self._member.unconsumed_tail
            else:
                return
