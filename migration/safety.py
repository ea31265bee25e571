"""Contexts that VW can read and compute with. What `shared.names` does to a Rank request, done to a logged context.

Most contexts need nothing, which a few patterns over their bytes tell; only the others are taken apart.
"""

import re
from typing import Any

import msgspec

from shared.names import MAX_MAGNITUDE

# What may have to be changed: a name, or text, that begins as no namespace may; a number of ten digits or with an
# exponent. What VW cannot read: an array of texts, truths or arrays, by its first element.
_NAME = re.compile(rb'"[^!-9;-{}](?<=[{,\s]..)')
_ARRAY = re.compile(rb'\[\s*["\[tf]')
_NUMBER = re.compile(rb"[:\[,]\s*-?(?:\d{10}|[\d.]+[eE])")
# Of every number that is suspect, what is left when all digits are 0: looking for that is faster than the pattern is.
_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")


class _Unreadable(Exception):
    """An array that VW takes for a mistake."""


def made_safe(context: bytes) -> bytes | None:
    """The context, changed only where it must be; None if VW cannot read it."""
    if (
        b"\\" not in context
        and not _ARRAY.search(context)
        and not _NAME.search(context)
        and not (_has_large_or_exponent(context) and _NUMBER.search(context))
    ):
        return context
    decoded = msgspec.json.decode(context)
    try:
        changed = _value(decoded)
    except _Unreadable:
        return None
    return context if changed == decoded else msgspec.json.encode(changed)


def _has_large_or_exponent(context: bytes) -> bool:
    bare = context.translate(_DIGITS)
    return b"0000000000" in bare or b"0e" in bare


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {_name(key, each): _array_or_value(key, each) for key, each in value.items()}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if abs(value) <= MAX_MAGNITUDE else MAX_MAGNITUDE if value > 0 else -MAX_MAGNITUDE
    return value.replace("\0", "␀") if isinstance(value, str) else value


def _array_or_value(key: str, value: Any) -> Any:
    if not isinstance(value, list):
        return _value(value)
    if key.startswith("_") and key not in ("_multi", "_slots"):
        return value  # VW ignores it, or it is a command whose array is read otherwise
    if any(isinstance(one, str | bool | list) for one in value):
        raise _Unreadable
    return [_value(one) for one in value]


def _name(key: str, value: Any) -> str:
    key = key.replace("\0", "␀")
    opens_namespace = isinstance(value, dict | list)
    return f"n{key}" if opens_namespace and key and (not "!" <= key[0] < "~" or key[0] in ":|") else key
