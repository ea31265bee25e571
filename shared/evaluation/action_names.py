"""The ids of the actions of a line, by which the same action is known in other events."""

import functools
import re

import msgspec

_ACTIONS = b'"_multi":'
# As Rank writes it, with or without spaces, and what other writers tell an action by.
_IDENTITY = re.compile(rb'"i":\s*\{"constant":\s*1,\s*"id":\s*("[^"\\]*(?:\\.[^"\\]*)*")')
_TAG = re.compile(rb'"_tag":\s*("[^"\\]*(?:\\.[^"\\]*)*")')
_ID = b'"i":{"constant":1,"id":'


def of(line: bytes, count: int) -> list[str]:
    """In the order of the actions. Lines of others may have none: their actions are known by their number."""
    start = line.find(_ACTIONS)
    for identity in (_IDENTITY, _TAG):
        found = identity.findall(line, start)
        if len(found) == count:
            return [_decoded(text) for text in found]
    return [f"action {number}" for number in range(1, count + 1)]


def index(line: bytes, count: int, name: str) -> int:
    """Where `of` has a name; -1 if it has not."""
    start = line.find(_ACTIONS)
    if line.find(b"\\", start) >= 0 or line.count(_ID, start) != count:
        names = of(line, count)
        return names.index(name) if name in names else -1
    at = line.find(_ID + _encoded(name), start)
    return line.count(_ID, start, at) if at >= 0 else -1


@functools.lru_cache(10)
def _encoded(name: str) -> bytes:
    return msgspec.json.encode(name)


@functools.lru_cache(10_000)
def _decoded(text: bytes) -> str:
    try:
        return msgspec.json.decode(text, type=str)
    except msgspec.DecodeError:
        return text.decode(errors="replace")
