"""The id of the action that a line of the log tells of, whoever wrote the line."""

import re
from typing import Any

import msgspec

_ACTIONS, _ACTION = b'"_multi":[', b'{"_tag":'
_TEXT = rb'"(?:[^"\\]|\\.)*"'
# The beginning of an action as Rank writes it; no feature has a name that begins with `_`.
_OURS = re.compile(_ACTION + _TEXT + rb',"i":\{"constant":1,"id":(' + _TEXT + rb")")


class _Context(msgspec.Struct, gc=False):
    multi: list[Any] = msgspec.field(name="_multi", default=[])


class _Line(msgspec.Struct, gc=False):
    c: _Context


_line = msgspec.json.Decoder(_Line).decode


def chosen(line: bytes, action: int) -> str | None:
    """The id of the action of this number, from 1 on; of an action without one its tag, None if it has neither."""
    place = line.find(_ACTIONS)
    for _ in range(action if place >= 0 else 0):
        place = line.find(_ACTION, place + 1)
        if place < 0:
            break
    ours = _OURS.match(line, place) if place >= 0 else None
    if ours is None:
        return _decoded(line, action) if action > 0 else None
    try:
        return msgspec.json.decode(ours[1], type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _decoded(line: bytes, action: int) -> str | None:
    try:
        own = _line(line).c.multi[action - 1]
    except (msgspec.DecodeError, UnicodeDecodeError, IndexError):
        return None
    if not isinstance(own, dict):
        return None
    identity = own.get("i")
    found = [identity.get("id") if isinstance(identity, dict) else None, own.get("_tag")]
    return next((one for one in found if isinstance(one, str)), None)
