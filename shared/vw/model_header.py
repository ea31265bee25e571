"""The header of a VW model file, read before VW opens it: VW obeys the options in it, whatever they are."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from shared.vw import allowed_options
from shared.vw.meaning import IMPLIED
from shared.vw.options import USUAL_BITS, Option

LONGEST_TEXT = 10_000
OLDEST = (8, 0, 0)
# Two 32-bit integers of the header are followed by lists, which the options of a policy never fill.
_FIELDS = struct.Struct("<cffIIII")
_LENGTH = struct.Struct("<I")


class ModelHeader(NamedTuple):
    """VW's version that wrote a model, and the model's policy: the options that VW takes from the file.

    Without --random_seed, where VW writes how far its random numbers have got, and what VW adds by itself.
    """

    version: str
    options: list[Option]


def read(data: bytes) -> ModelHeader:
    """The header of a model; raises ValueError if it is none, or one with options that a policy may not have."""
    try:
        version, position = _text(data, 0)
        _, position = _text(data, position)
        marker, _, _, bits, lda, ngrams, skips = _FIELDS.unpack_from(data, position)
        options, _ = _text(data, position + _FIELDS.size)
    except (struct.error, UnicodeDecodeError):
        raise ValueError("it is not a VW model") from None
    if marker != b"m" or not _is_supported(version):
        raise ValueError(f"it is not a VW model of version {'.'.join(map(str, OLDEST))} or later")
    if lda or ngrams or skips or bits > allowed_options.MOST_BITS:
        raise ValueError(f"it has LDA, n-grams, skips or more than {allowed_options.MOST_BITS} bits of features")
    size = "" if bits == USUAL_BITS else f" --bit_precision {bits}"
    return ModelHeader(version, [one.rounded() for one in _said(allowed_options.parse(options + size))])


def _said(options: list[Option]) -> Iterator[Option]:
    """The options that are a policy's own."""
    single, multi = allowed_options.EXPLORATION
    added = {"random_seed", single} if any(one.name == multi for one in options) else {"random_seed"}
    return (one for one in options if one.name not in IMPLIED | added)


def _text(data: bytes, position: int) -> tuple[str, int]:
    (length,) = _LENGTH.unpack_from(data, position)
    start, end = position + _LENGTH.size, position + _LENGTH.size + length
    if not 1 <= length <= LONGEST_TEXT or end > len(data):
        raise struct.error("a text of the header is longer than the file")
    return data[start : end - 1].decode("ascii"), end


def _is_supported(version: str) -> bool:
    parts = version.split(".")
    return all(part.isascii() and part.isdigit() for part in parts) and tuple(map(int, parts)) >= OLDEST
