"""The id of the action that a line of the log tells of, whoever wrote the line."""

import re
from typing import Any

import msgspec

_ACTIONS, _TAG, _IDENTITY = b'"_multi":[', b'{"_tag":', b'"i":{"constant":1,"id":'
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')


class _Context(msgspec.Struct, gc=False):
    multi: list[Any] = msgspec.field(name="_multi", default=[])


class _Line(msgspec.Struct, gc=False):
    c: _Context


_line = msgspec.json.Decoder(_Line).decode


def chosen(line: bytes, action: int) -> str | None:
    """The id of the action of this number, from 1 on; of an action without one its tag, None if it has neither."""
    start = place = line.find(_ACTIONS)
    if start < 0 or line.count(_IDENTITY, start) != line.count(_TAG, start):
        return _decoded(line, action)  # spaced, laid out otherwise, or with features that are called as identities are
    for _ in range(action):
        place = line.find(_IDENTITY, place + 1)
        if place < 0:
            return None
    text = _TEXT.match(line, place + len(_IDENTITY))
    try:
        return None if text is None else msgspec.json.decode(text[0], type=str)
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
