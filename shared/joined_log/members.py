"""A log by its gzip members, each read and checked once: whoever rewrites a log copies most of them as they are."""

import mmap
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# What follows a member is copied once per piece in which a member ends.
PIECE_BYTES = 32_768
_GZIP = 16 + zlib.MAX_WBITS


class Member(NamedTuple):
    """Whole lines whose checksum was right, and where their bytes are in the file: in one member of a log of ours."""

    offset: int
    length: int
    lines: bytes


def read(file: Path, offset: int = 0, length: int | None = None) -> Iterator[Member]:
    """The members of a file, or of these of its bytes; raises one of `unzipping.DAMAGE` behind the last sound one.

    Members of which a line goes on in the next one come together. Memory holds one: a log of one member, as the first
    versions wrote, is held whole.
    """
    size = file.stat().st_size
    end = size if length is None else min(size, offset + length)
    if length is not None and end < offset + length:
        raise EOFError("the blob ends within it")
    if end <= offset:
        return
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        begun, held = offset, list[bytes]()
        at, is_open = _begin(data, offset, end), False
        while at < end:
            lines, at = _unzipped(data, at, end)
            held.append(lines)
            at = _begin(data, at, end)
            is_open = not lines.endswith(b"\n") if lines else is_open
            if not is_open:
                yield Member(begun, at - begun, b"".join(held))
                begun, held = at, []
        if held:
            yield Member(begun, end - begun, b"".join(held))


def split(lines: bytes) -> list[bytes]:
    """The lines, ends included, as `splitlines` has them, at half its cost."""
    if b"\r" in lines:
        return lines.splitlines(keepends=True)
    found, at = list[bytes](), 0
    while end := lines.find(b"\n", at) + 1:
        found.append(lines[at:end])
        at = end
    return [*found, lines[at:]] if at < len(lines) else found


def count(lines: bytes) -> int:
    """How many lines end in it: of long ones, they are counted faster so than by `bytes.count`."""
    found = at = 0
    while at := lines.find(b"\n", at) + 1:
        found += 1
    return found


def _unzipped(data: mmap.mmap, at: int, end: int) -> tuple[bytes, int]:
    """What the member at a place unzips to, and where it ends."""
    member, found = zlib.decompressobj(_GZIP), list[bytes]()
    while not member.eof:
        piece = data[at : min(at + PIECE_BYTES, end)]
        if not piece:
            raise EOFError("the file ends within a gzip member")
        found.append(member.decompress(piece))
        at += len(piece)
    return b"".join(found), at - len(member.unused_data)


def _begin(data: mmap.mmap, at: int, end: int) -> int:
    """Where the next member begins: zeros before it are padding."""
    while at < end and not data[at]:
        at += 1
    return at
