"""Which events a selection means: by their ids, or by the value of a feature, of the context, an action or a slot."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from shared.hubs.events import key_of
from shared.joined_log import unjoined_lines
from shared.loops.erasures import Wanted
from shared.vw import dsjson
from shared.vw.dsjson import CONTEXT

# What Rank lays an action's identity out in: no feature of the caller's.
_IDENTITY = "i"
# Texts that JSON spells in one way only, so that a line without them cannot match.
_PLAIN = re.compile(r"[A-Za-z0-9 _:;,.@#+*()-]+")
# More needles than _FEW are not looked for one by one: what is behind each quotation mark is looked up.
_FEW, _TEXT = 8, re.compile(rb'"([^"\\]*)(?=["\\])')


class _Line(msgspec.Struct, rename=dsjson.LINE, gc=False):
    id: str = ""
    c: msgspec.Raw = msgspec.Raw(b"{}")


class _Event(msgspec.Struct, gc=False):
    id: str = ""
    c: msgspec.Raw = msgspec.Raw(b"{}")


_line, _event = msgspec.json.Decoder(_Line).decode, msgspec.json.Decoder(_Event).decode


class Selection:
    """Matches what any of the conditions means.

    found: the keys of the events that it is known to mean, whatever the features of a line are; grows with `learn`.
    """

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        self.wanted = list(wanted)
        self._ids = {one.event_id for one in self.wanted if one.event_id is not None}
        self._features = [
            (tuple(one.feature.split(".")), one.value or "") for one in self.wanted if one.feature is not None
        ]
        self.found = set[int]()
        values = [value for _, value in self._features]
        ids = [one.encode() if _PLAIN.fullmatch(one) else b"" for one in self._ids]
        self._needles = [*ids, *map(_needle, values)]
        # Of many, an id is read as fast as it is looked for.
        self._texts = frozenset(map(str.encode, values)) if not ids and all(map(_is_text, values)) else None

    def learn(self, event_id: str) -> None:
        """From now on an event is meant, whatever its lines say. A line without an id has no event."""
        if event_id:
            self.found.add(key_of(event_id))

    def may_mean(self, lines: bytes) -> bool:
        """False only for lines of which it means none: most are not decoded."""
        return bool(self.found) or self._may_match(lines)

    def line(self, line: bytes) -> str | None:
        """The id of the event of a joined line, if it is meant; "" for one without an id."""
        if not self.may_mean(line):
            return None
        try:
            return self._matched(_line(line), line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def event(self, event: bytes) -> str | None:
        """The same of an event of the hubs, as it was stored: an interaction or an observation."""
        if not self.may_mean(event):
            return None
        try:
            return self._matched(_event(event), event)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def unjoined(self, line: bytes) -> str | None:
        """The same of a line of the log of late events."""
        try:
            return self.event(unjoined_lines.decode(line).event.encode())
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _may_match(self, text: bytes) -> bool:
        """False only for what has none of the ids and values."""
        if len(self._needles) <= _FEW:
            return any(needle in text for needle in self._needles)
        return self._texts is None or not self._texts.isdisjoint(_TEXT.findall(text))

    def _matched(self, event: _Line | _Event, line: bytes) -> str | None:
        if event.id in self._ids or (self.found and event.id and key_of(event.id) in self.found):
            return event.id
        if not self._features or not self._may_match(line):
            return None
        context = msgspec.json.decode(event.c)
        roots = list(_roots(context)) if isinstance(context, dict) else []
        for path, wanted in self._features:
            if any(_is(value, wanted) for root in roots for value in _values(root, path)):
                return event.id
        return None


def _roots(context: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The objects that a feature's names may begin in: of the context, of each action and of each slot."""
    yield from _namespaces(context)
    for kind in (CONTEXT["actions"], CONTEXT["slots"]):
        for one in context.get(kind) or ():
            if isinstance(one, dict):
                yield from _namespaces({name: value for name, value in one.items() if name != _IDENTITY})


def _namespaces(described: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An object with namespaces, and what is in each of them."""
    own = {name: value for name, value in described.items() if not name.startswith("_")}
    yield own
    for value in own.values():
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))


def _values(found: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """The values at a path. Names may be joined by dots, as far as they are so in the object."""
    if isinstance(found, list):
        for one in found:
            yield from _values(one, path)
    elif not path:
        if not isinstance(found, dict):
            yield found
    elif isinstance(found, dict):
        for length in range(1, len(path) + 1):
            name = ".".join(path[:length])
            if name in found:
                yield from _values(found[name], path[length:])


def _is(value: Any, wanted: str) -> bool:
    """True for a value that a selection says as this text; Rank logs numbers as floats, so `7` means 7.0, too."""
    if isinstance(value, bool) or value is None:
        return msgspec.json.encode(value).decode() == wanted
    return value == wanted if isinstance(value, str) else value == _number(wanted)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _needle(value: str) -> bytes:
    """What every text has in it that JSON spells this value in, as a text or as a number; b"" if there is none.

    Numbers are taken to be written without an exponent, as Rank logs them.
    """
    number = _number(value)
    said = value if number is None else repr(number).removesuffix(".0")
    is_plain = _PLAIN.fullmatch(said) is not None and said in value and (number is None or "e" not in said)
    return said.encode() if is_plain else b""


def _is_text(value: str) -> bool:
    """True for a value that only a text can have, which JSON spells in one way."""
    return bool(_needle(value)) and _number(value) is None and value not in ("true", "false", "null")
