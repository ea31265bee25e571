"""Contexts that VW can read and compute with: `shared.vw.safe_features` for logged contexts.

Most contexts need nothing, which a few patterns over their bytes tell; only the others are taken apart. Of names that
begin with `_`, which are commands to VW, those of the layout stay where they belong: `_multi`, `_slots`, `_tag`, `_id`
and `_inc`.
"""

import re
from typing import Any

import msgspec

from shared.vw import context_limits
from shared.vw.context_limits import BadContext
from shared.vw.safe_features import safe

# What may have to be changed: a name, or text, that begins as no namespace may; a number of ten digits or with an
# exponent; a command. What VW cannot read: an array with texts, truths or arrays in it, whether it begins with one,
# with a number or with an object.
_NAME = re.compile(rb'"[^!-9;-{}](?<=[{,\s]..)')
_ARRAY = re.compile(rb'\[\s*(?:["\[tf]|[-\dn][^\]]*["\[tf])')
_BEHIND_OBJECT = re.compile(rb'\}\s*,\s*(?:"[^"]*"\s*[,\]]|[\[tf])')
_NUMBER = re.compile(rb"[:\[,]\s*-?(?:\d{10}|[\d.]+[eE])")
# The commands of a context but for ordinary tags and ids, and those that are left over then, each with what follows it.
_COMMANDS = re.compile(rb'"_(?!tag": ?")([^"]*)"\s*:\s*(.)'), re.compile(rb'"_(?!(?:tag|id)": ?")([^"]*)"\s*:\s*(.)')
_LAYOUTS = [(b"multi", b"[")], [(b"multi", b"["), (b"slots", b"[")]
# Of every number that is suspect, what is left when all digits are 0: looking for that is faster than the pattern is.
_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")


def made_safe(context: bytes, *, multi_slot: bool) -> bytes:
    """The context, changed only where it must be; raises BadContext if VW could not learn from it.

    It has actions, and slots if `multi_slot`.
    """
    in_order = _is_in_order(context, multi_slot)
    if (
        in_order
        and b"\\" not in context
        and not _ARRAY.search(context)
        and not _BEHIND_OBJECT.search(context)
        and not _NAME.search(context)
        and not (_has_large_or_exponent(context) and _NUMBER.search(context))
    ):
        return context
    decoded = msgspec.json.decode(context)
    changed = _context(decoded)
    return context if in_order and changed == decoded else msgspec.json.encode(changed)


def _is_in_order(context: bytes, multi_slot: bool) -> bool:
    """True if it has no commands but those of the layout, and the slots, if any, behind the actions."""
    return _COMMANDS[multi_slot].findall(context) == _LAYOUTS[multi_slot]


def _has_large_or_exponent(context: bytes) -> bool:
    bare = context.translate(_DIGITS)
    return b"0000000000" in bare or b"0e" in bare


def _context(decoded: dict[str, Any]) -> dict[str, Any]:
    slots = decoded.get("_slots")
    for part in (decoded, *decoded["_multi"], *(slots or ())):
        _check_arrays(part)
    multi = [_texts(action, "_tag") | safe(action) for action in decoded["_multi"]]
    changed: dict[str, Any] = _texts(decoded, "_tag") | safe(decoded) | {"_multi": multi}
    if slots is not None:
        included = [context_limits.included(slot, len(multi)) for slot in slots]
        context_limits.check_choice(included, [slot.get("_id") for slot in slots], len(multi))
        parts = zip(slots, included, strict=True)
        changed["_slots"] = [_texts(slot, "_id", "_tag") | safe(slot) | inc for slot, inc in parts]
    return changed


def _texts(features: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: features[name] for name in names if isinstance(features.get(name), str)}


def _check_arrays(value: Any) -> None:
    """Raises BadContext for arrays of anything but numbers or objects, outside of commands."""
    if isinstance(value, dict):
        for name, each in value.items():
            if not name.startswith("_"):
                _check_arrays(each)
    elif isinstance(value, list):
        if any(isinstance(one, str | bool | list) for one in value):
            raise BadContext("features that VW cannot read: arrays of anything but numbers or objects")
        for one in value:
            _check_arrays(one)
