"""The lines of log files: plain or gzipped, one by one, in order of names in which 10 follows 9."""

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import AnyStr, Protocol, TypeVar

SUFFIXES = (".json", ".jsonl", ".dsjson", ".ndjson", ".log", ".txt")
GZIP_MAGIC, BINARY_LOG_MAGIC, ZIP_MAGIC = b"\x1f\x8b", b"VWFB", b"PK\x03\x04"
# What editors of Windows begin a text in UTF-8 with.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MARKS = (BYTE_ORDER_MARK, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# The longest line of Personalizer was well below; a file without line ends must not fill the memory.
LONGEST_LINE = 8 << 20


class UnreadableFile(Exception):
    """A file cannot be read, or not to its end; the text says why."""


Text_co = TypeVar("Text_co", bytes, str, covariant=True)


class _Readable(Protocol[Text_co]):
    def readline(self, size: int, /) -> Text_co: ...


def found(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """The files that are named or in the folders named, and those in the folders that are no logs by their name."""
    logs: list[Path] = []
    others: list[Path] = []
    for path in paths:
        if not path.is_dir():
            logs.append(path)
            continue
        for file in sorted(filter(Path.is_file, path.rglob("*")), key=_natural):
            (logs if file.name.removesuffix(".gz").endswith(SUFFIXES) else others).append(file)
    return logs, others


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a file without their ends; of one longer than LONGEST_LINE, the beginning. UnreadableFile."""
    with _unpacked(path) as file:
        yield from _lines(file)


def as_they_are(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """The lines of a file, each with its bytes, which together are the file, unzipped, and as `lines` has it.

    Raises UnreadableFile, also for a line that is longer than LONGEST_LINE.
    """
    with _unpacked(path) as file:
        try:
            yield from _as_they_are(file)
        except UnicodeError as error:
            raise UnreadableFile(f"not in its encoding: {error}") from None


@contextmanager
def _unpacked(path: Path) -> Iterator["io.BufferedReader | gzip.GzipFile"]:
    """What a file has, unzipped; raises UnreadableFile, also while it is read."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
            file.seek(0)
            if magic == BINARY_LOG_MAGIC:
                raise UnreadableFile("a binary joined log; only logs in dsjson can be read")
            if magic == ZIP_MAGIC:
                raise UnreadableFile("a zip archive; unpack it first")
            if magic.startswith(GZIP_MAGIC):
                with gzip.open(file) as unpacked:
                    yield unpacked
            else:
                yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFile(f"damaged: {error}") from None
    except OSError as error:
        raise UnreadableFile(error.strerror or str(error)) from None


def _as_they_are(file: "io.BufferedReader | gzip.GzipFile") -> Iterator[tuple[bytes, bytes]]:
    start = file.peek(4)[:4]
    encoding: str = json.detect_encoding(start)
    mark = next((one for one in _MARKS if start.startswith(one)), b"")
    yield file.read(len(mark)), b""
    if not encoding.startswith(("utf-16", "utf-32")):
        for line in iter(lambda: file.readline(LONGEST_LINE + 1), b""):
            yield _bounded(line), line.strip()
        return
    if mark:
        encoding += "-le" if mark.startswith(b"\xff") else "-be"
    with io.TextIOWrapper(file, encoding, "surrogatepass", newline="\n") as text:
        for said in iter(lambda: text.readline(LONGEST_LINE + 1), ""):
            yield _bounded(said).encode(encoding, "surrogatepass"), said.encode(errors="replace").strip()


def _bounded(line: AnyStr) -> AnyStr:
    if len(line) > LONGEST_LINE:
        raise UnreadableFile(f"a line is longer than {LONGEST_LINE:,} characters")
    return line


def _lines(file: "io.BufferedReader | gzip.GzipFile") -> Iterator[bytes]:
    encoding = json.detect_encoding(file.peek(4)[:4])
    if encoding.startswith(("utf-16", "utf-32")):  # PowerShell writes so what is redirected to a file
        with io.TextIOWrapper(file, encoding, errors="replace", newline="\n") as text:
            yield from (line.encode().strip() for line in _whole(text, "\n"))
        return
    start = BYTE_ORDER_MARK
    for line in _whole(file, b"\n"):
        yield line.removeprefix(start).strip()
        start = b""


def _whole(file: "_Readable[AnyStr]", end: AnyStr) -> Iterator[AnyStr]:
    """The lines of a file; of one longer than LONGEST_LINE, the beginning."""
    while line := file.readline(LONGEST_LINE):
        rest = line
        while len(rest) == LONGEST_LINE and not rest.endswith(end):
            rest = file.readline(LONGEST_LINE)
        yield line


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", str(path))]
