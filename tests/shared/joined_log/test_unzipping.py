"""Unzipping piece by piece gives what unzipping at once gives, and takes no more memory than a chunk."""

import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.joined_log import unzipping
from shared.joined_log.unzipping import CHUNK_BYTES, DAMAGE, Unzipper

MANY = 300 * CHUNK_BYTES


def unzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    unzipper = Unzipper()
    for piece in pieces:
        yield from unzipper.lines(piece)
    yield unzipper.end()


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@given(st.lists(st.binary(max_size=200)), st.integers(1, 300), st.integers(1, 100), st.integers(0, 2))
def test_any_members_in_any_pieces_give_their_lines(texts: list[bytes], size: int, chunk: int, padding: int) -> None:
    data = b"".join(gzip.compress(text) + bytes(padding) for text in texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unzipping, "CHUNK_BYTES", chunk)
        patch.setattr(unzipping, "_SLICE_BYTES", 50)
        *chunks, rest = unzipped(cut(data, size))
    assert b"".join([*chunks, rest]) == b"".join(texts)
    assert all(one.endswith(b"\n") for one in chunks)


@given(st.binary(min_size=1, max_size=500), st.data())
def test_damage_that_unzipping_at_once_finds_is_found(text: bytes, drawn: st.DataObject) -> None:
    data = bytearray(gzip.compress(text) + gzip.compress(text))
    if drawn.draw(st.booleans()):
        del data[drawn.draw(st.integers(1, len(data) - 1)) :]
    else:
        data[drawn.draw(st.integers(0, len(data) - 1))] ^= 1 << drawn.draw(st.integers(0, 7))
    try:
        whole = gzip.decompress(data)
    except DAMAGE:
        with pytest.raises(DAMAGE):
            list(unzipped(cut(bytes(data), 7)))
    else:
        with contextlib.suppress(zlib.error):  # zlib looks closer at the header of a member
            assert b"".join(unzipped(cut(bytes(data), 7))) == whole


def test_what_unzips_to_very_much_takes_no_more_memory_than_a_few_chunks() -> None:
    packer = zlib.compressobj(1, wbits=31)
    line = b"x" * 1_023 + b"\n"
    zipped = b"".join([*(packer.compress(line * 1_024) for _ in range(MANY >> 20)), packer.flush()])
    assert len(zipped) < 4 * CHUNK_BYTES, "it comes in one piece"
    tracemalloc.start()
    total = largest = 0
    for lines in unzipped([zipped]):
        total, largest = total + len(lines), max(largest, len(lines))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == MANY
    assert largest <= 2 * CHUNK_BYTES
    assert peak < 8 * CHUNK_BYTES


def test_a_line_longer_than_a_chunk_is_one() -> None:
    long = b"x" * (3 * CHUNK_BYTES) + b"\n"
    assert list(unzipped([gzip.compress(b"a\n" + long + b"b")])) == [b"a\n", long, b"b"]
