"""What the log has of some events, line by line: what a person may ask to see."""

import base64
import time
from typing import NamedTuple

import msgspec

from shared.errors import ApiError
from shared.joined_log import part_reading
from shared.joined_log.part_reading import EVERY_IMPORT, Wanted
from shared.joined_log.selection import Selection
from shared.serving.loop import Serving

MOST_BYTES, MOST_SECONDS = 5_000_000, 60.0


class Found(NamedTuple):
    """Lines of the log, whole ones. token: with which the search goes on, None at the end of the log."""

    lines: bytes
    token: str | None


class _Place(msgspec.Struct, frozen=True):
    """late: in the log of late events, which comes behind that of joined ones. file, line: the first one to be read."""

    late: bool = False
    file: str = ""
    line: int = 0


async def search(loop: Serving, selection: Selection, token: str | None, seconds: float = MOST_SECONDS) -> Found:
    """The lines that are meant, of joined events, then of late ones; raises InvalidSelection for a token that is none.

    It ends with MOST_BYTES, or after so many seconds, and says where to go on.
    """
    began, found, size = _place(token), list[bytes](), 0
    until = time.monotonic() + seconds
    for late in (False, True) if not began.late else (True,):
        matches = selection.unjoined if late else selection.line
        start = began if late == began.late else _Place(late)
        wanted = Wanted("", "~", "" if late else EVERY_IMPORT, start.file)
        file, number = "", 0
        async for name, lines in part_reading.lines(loop.storage, loop.home, wanted, late=late):
            file, number = (name, number) if name == file else (name, 0)
            for line in lines.splitlines(keepends=True):
                number += 1
                if name == start.file and number <= start.line:
                    continue
                if matches(line) is not None:
                    if found and size + len(line) > MOST_BYTES:
                        return Found(b"".join(found), _token(_Place(late, name, number - 1)))
                    found.append(line)
                    size += len(line)
            if time.monotonic() > until:
                return Found(b"".join(found), _token(_Place(late, name, number)))
    return Found(b"".join(found), None)


def _token(place: _Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()


def _place(token: str | None) -> _Place:
    if token is None:
        return _Place()
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(token), type=_Place)
    except ValueError:
        raise ApiError("InvalidSelection", "token is not that of an answer.", target="token") from None
