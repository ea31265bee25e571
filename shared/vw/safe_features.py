"""Features made safe for VW: no name may mean something else to VW than a name, no number may break its arithmetic.

Dropped: names that start with `_` (the contract ignores them; to VW they are commands such as `_label` and `_multi`).
Renamed: a namespace, which is what the name of an object or array becomes, is known to VW by its first byte.
`:` and `|` and control characters have a meaning there, and above 127 VW 9.11 writes out of bounds; such names get
the prefix `n`. A NUL, at which VW would end a text, becomes its symbol. Numbers are held within ±MAX_MAGNITUDE.
"""

import re
from typing import Any

# VW squares products of two features in float32: from 4.29e9 on it learns nothing from the events, from 1e13 it
# ends in NaN (docs/decisions/0001-default-policy.md). Milliseconds since 1970 are beyond, and must not stop a loop.
MAX_MAGNITUDE = 4e9

# A name, or text behind a quote, that begins with `_`, and an escaped ASCII character, which may be that or a NUL.
_SUSPECT = re.compile(rb'"_|\\u00[0-7]')
# A name that may not be that of a namespace. A quote right behind a brace or comma opens a name, or closes a text.
_UNSAFE_NAME = re.compile(rb'[{,]\s*"(?:[:|\\]|[^!-}])')


def is_plain(body: bytes) -> bool:
    """True if no text of a JSON body can need `safe`, provided that its features are flat and its numbers small."""
    return (b"_" not in body and b"\\" not in body) or _SUSPECT.search(body) is None


def has_plain_names(body: bytes) -> bool:
    """True if every name in a JSON body that `is_plain` may be that of an object or array.

    Names of features, too, then need no `safe`, provided that their numbers are small.
    """
    return _UNSAFE_NAME.search(body) is None


def safe(features: dict[str, Any]) -> dict[str, Any]:
    """The features as VW may see them; nested objects likewise."""
    return {_name(key, value): _value(value) for key, value in features.items() if not key.startswith("_")}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return safe(value)
    if isinstance(value, list):
        return [_number(one) if isinstance(one, float) else _value(one) for one in value]
    if isinstance(value, float | int) and not isinstance(value, bool):
        return _number(value)
    return safe_text(value) if isinstance(value, str) else value


def _number(number: float) -> float:
    return max(-MAX_MAGNITUDE, min(number, MAX_MAGNITUDE))


def safe_text(text: str) -> str:
    """A text, or the name of a feature, as VW may see it."""
    return text.replace("\0", "␀")


def namespace(name: str) -> str:
    """The name, already a `safe_text`, of a feature that is an object or an array."""
    return f"n{name}" if name and (not "!" <= name[0] < "~" or name[0] in ":|") else name


def _name(key: str, value: Any) -> str:
    key = safe_text(key)
    return namespace(key) if isinstance(value, dict | list) else key
