"""Which events a selection means: by their ids, or by the value of a feature, of the context, an action or a slot."""

import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain

import msgspec

from shared.hubs.events import key_of
from shared.joined_log import unjoined_lines, wanted_feature
from shared.joined_log.wanted_feature import WantedFeature
from shared.loops.erasures import Wanted
from shared.vw import dsjson

# Letters and digits may be written as escapes, and numbers with an exponent: then a needle is not to be seen. Rank logs
# neither, but imported lines stay as they were.
_BACKSLASH, _ESCAPE, _ESCAPED = b"\\", b"\\u00", re.compile(rb"\\u00[2-7]")
_WITH_EXPONENT = re.compile(rb"[:\[,]\s*-?\d[\d.]*[eE]")
# What a line raises that is none: in files of others, it may be any JSON.
_NO_LINE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# More needles are not looked for one by one, but in what is between quotation marks: in the log of late events, those
# have a backslash before them.
_FEW_IDS, _FEW_VALUES, _ENDS = 3, 8, (b"", b"\\")
# Ids of a joined line and of its rewards, as Rank logs them: nothing for what may be spelled in another way.
_EVENT_IDS = re.compile(rb'"%s"(?::"([^"\\]*)")?' % dsjson.LINE["id"].encode())


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
        values = defaultdict[str, list[str]](list)
        for one in self.wanted:
            if one.feature is not None:
                values[one.feature].append(one.value or "")
        self._features = [WantedFeature(name, several) for name, several in values.items()]
        self._has_numbers = any(one.has_numbers for one in self._features)
        self.found = set[int]()
        self._id_needles = {*map(wanted_feature.plain, self._ids)}
        self._needles = {*chain.from_iterable(one.needles for one in self._features)}
        self._texts = {one + end for one in self._needles for end in _ENDS}
        self._are_texts = all(one.is_text for one in self._features)

    def learn(self, event_id: str) -> None:
        """From now on an event is meant, whatever its lines say. A line without an id has no event."""
        if event_id:
            self.found.add(key_of(event_id))

    def may_mean(self, lines: bytes, *, joined: bool = False) -> bool:
        """False only for lines of which it means none: most are not decoded. joined: they are of the joined log."""
        return bool(self.found) or self._may_have_id(lines, joined=joined) or self._may_match(lines)

    def line(self, line: bytes) -> str | None:
        """The id of the event of a joined line, if it is meant; "" for one without an id."""
        if not self.may_mean(line, joined=True):
            return None
        try:
            return self._matched(_line(line), line)
        except _NO_LINE:
            return None

    def event(self, event: bytes) -> str | None:
        """The same of an event of the hubs, as it was stored: an interaction or an observation."""
        if not self.may_mean(event):
            return None
        try:
            return self._matched(_event(event), event)
        except _NO_LINE:
            return None

    def unjoined(self, line: bytes) -> str | None:
        """The same of a line of the log of late events."""
        try:
            return self.event(unjoined_lines.decode(line).event.encode())
        except _NO_LINE:
            return None

    def _may_have_id(self, text: bytes, *, joined: bool) -> bool:
        """False only for what has none of the ids, unless it spells them in another way."""
        if len(self._id_needles) <= _FEW_IDS:
            return any(needle in text for needle in self._id_needles)
        if not joined or b"" in self._id_needles:  # to read the id of an event is as fast as to look for many
            return True
        ids = _EVENT_IDS.findall(text)
        return b"" in ids or not self._id_needles.isdisjoint(ids)

    def _may_match(self, text: bytes) -> bool:
        """False only for what has none of the values, and none of the ids in another spelling."""
        if len(self._needles) > _FEW_VALUES:
            has_any = not (self._are_texts and self._texts.isdisjoint(text.split(b'"')))
        else:
            has_any = any(needle in text for needle in self._needles)
        return has_any or self._may_be_hidden(text)

    def _may_be_hidden(self, text: bytes) -> bool:
        """True for what may have them in another spelling."""
        if _BACKSLASH in text and _ESCAPE in text and _ESCAPED.search(text):
            return True
        return self._has_numbers and _WITH_EXPONENT.search(text) is not None

    def _matched(self, event: _Line | _Event, line: bytes) -> str | None:
        if event.id in self._ids or (self.found and event.id and key_of(event.id) in self.found):
            return event.id
        if not self._features or not self._may_match(line):
            return None
        roots = wanted_feature.roots(event.c)
        return event.id if any(one.is_in(roots) for one in self._features) else None
