"""The encoding of JSON that clients send and files hold: found out, and made UTF-8.

A byte order mark decides, then the NULs of UTF-16 and UTF-32, which JSON has nowhere else, then what is declared.
"""

import codecs
import functools
import json
import re
from encodings import aliases, normalize_encoding

ADVICE = "send UTF-8, or name its encoding in the Content-Type, as in charset=iso-8859-1"
LONGEST_NAME = 256  # characters of a charset that are repeated

_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([^\s;,"']+)""", re.IGNORECASE)
# Encodings as Python's modules for them are called.
_UTF8 = frozenset(("utf_8", "utf_8_sig", "ascii"))  # ASCII is UTF-8, too
_BEGINNINGS = (b"{", b"[", b"")  # of JSON, as bodies are; b"" is that of none
_TAKEN = re.compile(r"utf_(16|32)(_[lb]e)?|latin_1|iso8859_\d+|cp125\d")
_KNOWN = frozenset(name for name in aliases.aliases.values() if _TAKEN.fullmatch(name))
# A pair of surrogates, a lone one, or any other escape, so that an escaped backslash escapes nothing behind it.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_MAYBE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE_BYTES = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")  # what UTF-8 would be of a surrogate, which it never has


class Undecodable(ValueError):
    """The bytes are no text in the encoding that is declared, or that is not known; the text says what to change."""


def utf8(data: bytes, content_type: str) -> bytes:
    """JSON in UTF-8, of the charset that its Content-Type declares; raises Undecodable. Costs nothing for UTF-8."""
    charset = _declared(content_type)
    if charset is None:
        return data
    if json.detect_encoding(data) != "utf-8":
        return detected(data)
    if charset.startswith("utf"):
        # It has none of the NULs of UTF-16 and UTF-32.
        if data.lstrip()[:1] in _BEGINNINGS:
            return data
        raise Undecodable(f"its Content-Type declares charset={charset}, and it is not in that; {ADVICE}")
    try:
        return data.decode(charset).encode()
    except UnicodeError as error:
        raise Undecodable(f"its Content-Type declares charset={charset}, and it is not: {error}") from None


@functools.lru_cache(64)
def _declared(content_type: str) -> str | None:
    """The charset of a Content-Type, as Python names it; None for UTF-8 or if there is none. Raises Undecodable."""
    found = _CHARSET.search(content_type)
    if found is None:
        return None
    name = normalize_encoding(found[1].lower())
    name = aliases.aliases.get(name, name)
    if name in _UTF8:
        return None
    # Python keeps every name that it is asked for, for ever; so it is asked for those that it has.
    if name not in _KNOWN:
        raise Undecodable(f"its charset '{found[1][:LONGEST_NAME]}' is not known here; send UTF-8")
    return codecs.lookup(name).name


def offence(data: bytes) -> str:
    """What of a body is not UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return f"the body is not UTF-8 (byte {data[error.start]:#04x} at offset {error.start})"
    return "the body is not UTF-8"


def detected(data: bytes) -> bytes:
    """JSON in UTF-8 without a byte order mark, from UTF-8, UTF-16 or UTF-32; half characters become U+FFFD."""
    found = json.detect_encoding(data)
    if found == "utf-8":
        return data
    return data.removeprefix(codecs.BOM_UTF8) if found == "utf-8-sig" else data.decode(found, "replace").encode()


def mended(text: bytes) -> bytes:
    """JSON in UTF-8 with U+FFFD for each surrogate that has lost its other half, as of a title cut inside an emoji.

    The same object if there is none.
    """
    if _MAYBE_SURROGATE.search(text):
        text = _same(_ESCAPE.sub(lambda escape: b"\\ufffd" if escape[1] else escape[0], text), text)
    return _same(_SURROGATE_BYTES.sub("\ufffd".encode(), text), text) if b"\xed" in text else text


def _same(made: bytes, text: bytes) -> bytes:
    return text if made == text else made
